//! Sends deliveries: signed, in order for each webhook, without delaying runs.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use sha1::Sha1;
use sha2::Sha256;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::model::clock::Timestamp;
use crate::model::record::{DeliveryOutcome, DeliveryRecord};
use crate::model::webhook::{Outgoing, WebhookKey};

/// The most retries of Spacelift, which retries only after a 5xx.
const RETRIES_MAX: u32 = 3;

/// How long an endpoint may take. Spacelift does not document its own limit.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The pause before the first retry; it doubles. Spacelift's own pause is not documented, and is certainly longer.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Where the results of deliveries go: the account, which this file does not know.
pub(crate) trait DeliveryResults: Send + Sync {
    /// One attempt is over.
    fn attempted(self: Arc<Self>, record: DeliveryRecord);

    /// A delivery and its retries are over.
    fn ended(self: Arc<Self>, webhook: &WebhookKey, succeeded: bool);
}

/// One queue for each webhook that had a delivery.
#[derive(Debug)]
pub(crate) struct Deliverer {
    queues: Mutex<HashMap<WebhookKey, UnboundedSender<Outgoing>>>,
    client: Arc<LazyLock<Client>>,
}

impl Default for Deliverer {
    fn default() -> Self {
        Self {
            queues: Mutex::default(),
            client: Arc::new(LazyLock::new(client)),
        }
    }
}

impl Deliverer {
    /// Queues deliveries. Without a tokio runtime nothing can be sent: then they are returned.
    ///
    /// Deliveries end when nobody holds `results` any more.
    pub(crate) fn send(
        &self,
        results: &Weak<dyn DeliveryResults>,
        deliveries: Vec<Outgoing>,
    ) -> Vec<Outgoing> {
        let Ok(runtime) = Handle::try_current() else {
            return deliveries;
        };
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        for outgoing in deliveries {
            let delivery = Delivery {
                client: self.client.clone(),
                results: results.clone(),
            };
            if !outgoing.late_by.is_zero() {
                runtime.spawn(delivery.late(outgoing));
                continue;
            }
            let queue = queues.entry(outgoing.webhook.clone()).or_insert_with(|| {
                let (sender, receiver) = unbounded_channel();
                runtime.spawn(delivery.in_order(receiver));
                sender
            });
            // The receiver lives as long as the sender, unless its runtime was shut down: then nothing is sent any
            // more.
            let _ = queue.send(outgoing);
        }
        Vec::new()
    }
}

fn client() -> Client {
    // Another part of the process may have installed its provider already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent("Go-http-client/2.0")
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .no_proxy()
        .build()
        .expect("a client without certificates of its own can be built")
}

/// What a task needs to deliver.
struct Delivery {
    client: Arc<LazyLock<Client>>,
    results: Weak<dyn DeliveryResults>,
}

impl Delivery {
    async fn in_order(self, mut queue: UnboundedReceiver<Outgoing>) {
        while let Some(outgoing) = queue.recv().await {
            let Some(results) = self.results.upgrade() else {
                return;
            };
            deliver(&self.client, &results, &outgoing).await;
        }
    }

    async fn late(self, outgoing: Outgoing) {
        tokio::time::sleep(outgoing.late_by).await;
        let Some(results) = self.results.upgrade() else {
            return;
        };
        deliver(&self.client, &results, &outgoing).await;
    }
}

/// Makes one delivery, with retries if the webhook has them, and then reports the result.
async fn deliver(client: &Client, results: &Arc<dyn DeliveryResults>, outgoing: &Outgoing) {
    let retries = if outgoing.retry_on_failure { RETRIES_MAX } else { 0 };
    let mut succeeded = false;
    for attempt in 1..=retries + 1 {
        let record = attempt_delivery(client, outgoing, attempt).await;
        succeeded = record.succeeded();
        let again = matches!(record.outcome, DeliveryOutcome::Answered(status) if status >= 500);
        results.clone().attempted(record);
        if !again {
            break;
        }
        if attempt <= retries {
            tokio::time::sleep(RETRY_PAUSE * 2_u32.pow(attempt - 1)).await;
        }
    }
    results.clone().ended(&outgoing.webhook, succeeded);
}

async fn attempt_delivery(client: &Client, outgoing: &Outgoing, attempt: u32) -> DeliveryRecord {
    let headers = headers(outgoing);
    let method = Method::from_bytes(outgoing.method.as_bytes()).unwrap_or(Method::POST);
    let mut request = client.request(method, &outgoing.url).body(outgoing.body.clone());
    for (name, value) in &headers {
        request = request.header(name, value);
    }
    let at = Timestamp::now();
    let outcome = match request.send().await {
        Ok(response) => DeliveryOutcome::Answered(response.status().as_u16()),
        Err(error) => DeliveryOutcome::Unreachable(error.without_url().to_string()),
    };
    DeliveryRecord {
        webhook: outgoing.webhook.clone(),
        url: outgoing.url.clone(),
        about: outgoing.about.clone(),
        method: outgoing.method.clone(),
        headers,
        body: outgoing.body.clone(),
        attempt,
        outcome,
        at,
    }
}

/// Spacelift's headers. A policy or the webhook may add its own, but no other signature.
fn headers(outgoing: &Outgoing) -> Vec<(String, String)> {
    let mut headers = vec![
        ("content-type".to_owned(), "application/json".to_owned()),
        ("accept-encoding".to_owned(), "gzip".to_owned()),
    ];
    let own = |name: &str| name.to_ascii_lowercase().starts_with("x-signature");
    for (name, value) in outgoing.headers.iter().filter(|(name, _)| !own(name)) {
        headers.retain(|(kept, _)| !kept.eq_ignore_ascii_case(name));
        headers.push((name.to_ascii_lowercase(), value.clone()));
    }
    let key = outgoing.secret.as_bytes();
    headers.push((
        "x-signature".to_owned(),
        format!("sha1={}", hmac_sha1(key, &outgoing.body)),
    ));
    headers.push((
        "x-signature-256".to_owned(),
        format!("sha256={}", hmac_sha256(key, &outgoing.body)),
    ));
    headers
}

fn hmac_sha1(key: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

fn hmac_sha256(key: &[u8], body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::{hmac_sha1, hmac_sha256};

    /// Computed with Python's `hmac` module.
    #[test]
    fn signatures_are_hmacs_over_the_raw_body() {
        let body = b"{\"account\":\"acme\",\"state\":\"FINISHED\"}\n";
        assert_eq!(
            hmac_sha1(b"s3cr3t", body),
            "b234f3d0c97dec816b9b73641ac8dba38789fdfb"
        );
        assert_eq!(
            hmac_sha256(b"s3cr3t", body),
            "b9e27539d9a02d5de34525ff8f7f76d93746fbee58acdbd85952f82110fd5d26"
        );
        assert_eq!(
            hmac_sha256(b"", body),
            "67564989fb68eaf9c469653666de3d9ec68a53c53e9e8d6d17cf2d04d755ca66"
        );
    }
}
