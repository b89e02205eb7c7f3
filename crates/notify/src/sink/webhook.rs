//! Any receiver: CloudEvents, signed as Standard Webhooks defines.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Client;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::error::{SinkError, accepted};
use crate::message::Message;

const SECRET_PREFIX: &str = "whsec_";
const EVENT_TYPE: &str = "io.spillway.chain";

#[derive(Debug)]
pub(crate) struct Webhook {
    pub(crate) http: Client,
    pub(crate) url: SecretString,
    pub(crate) secrets: Vec<SigningSecret>,
}

/// A secret as Standard Webhooks defines it: `whsec_` and 24 to 64 bytes in Base64.
#[derive(Debug)]
pub(crate) struct SigningSecret(SecretSlice<u8>);

impl SigningSecret {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let key = STANDARD
            .decode(text.strip_prefix(SECRET_PREFIX).unwrap_or(text))
            .ok()?;
        (24..=64).contains(&key.len()).then(|| Self(key.into()))
    }

    fn sign(&self, id: &str, at_s: u64, body: &str) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).ok()?;
        mac.update(format!("{id}.{at_s}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

impl Webhook {
    pub(crate) async fn send(&self, message: &Message<'_>, sink: &str) -> Result<(), SinkError> {
        self.post(message.delivery_id(sink), &event(message, sink)).await
    }

    /// Sends an event of this id, signed.
    pub(crate) async fn post(&self, id: String, event: &Value) -> Result<(), SinkError> {
        let body = event.to_string();
        let at_s = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        // One signature for each secret, so that a receiver can change its secret without losing a message.
        let signatures: Vec<String> = self
            .secrets
            .iter()
            .filter_map(|secret| secret.sign(&id, at_s, &body))
            .collect();
        let mut request = self
            .http
            .post(self.url.expose_secret())
            .header("content-type", "application/cloudevents+json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at_s);
        if !signatures.is_empty() {
            request = request.header("webhook-signature", signatures.join(" "));
        }
        accepted(request.body(body).send().await?).await.map(|_| ())
    }
}

/// The notice in the envelope of CloudEvents 1.0.
pub(crate) fn event(message: &Message<'_>, sink: &str) -> Value {
    let notice = message.notice;
    let mut event = json!({
        "specversion": "1.0",
        "id": message.delivery_id(sink),
        "source": format!("/spillway/{}", notice.root.account),
        "type": format!("{EVENT_TYPE}.{}", notice.result),
        "subject": notice.root.stack,
        "datacontenttype": "application/json",
        "data": notice,
    });
    set_time(&mut event, notice.at_ms);
    event
}

/// Sets the time of an event.
pub(crate) fn set_time(event: &mut Value, at_ms: i64) {
    if let Ok(time) = jiff::Timestamp::from_millisecond(at_ms) {
        event["time"] = json!(time.to_string());
    }
}
