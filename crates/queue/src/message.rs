//! The texts of messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use orchestrator::contract::Received;
use serde::{Deserialize, Serialize};

/// What waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Message {
    /// It came in, and could not be recorded.
    Received(Received),
    /// It was authentic, and could not be read.
    Unreadable(Unreadable),
}

/// An authentic body, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unreadable {
    /// The path of the field; empty where it is the whole body.
    pub field: String,
    pub reason: String,
    pub received_at_ms: i64,
    /// The body's bytes, in Base64: they may be no text.
    body: String,
}

impl Unreadable {
    pub fn new(field: &str, reason: &str, received_at_ms: i64, body: &[u8]) -> Self {
        Self {
            field: field.to_owned(),
            reason: reason.to_owned(),
            received_at_ms,
            body: STANDARD.encode(body),
        }
    }

    /// The body as it came.
    pub fn body(&self) -> Result<Vec<u8>, MessageError> {
        STANDARD.decode(&self.body).map_err(|_| MessageError)
    }
}

/// A text that no version of this program wrote, or a newer one than this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is none that the webhook wrote, or a newer version wrote it")]
pub struct MessageError;

impl Message {
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        serde_json::from_str(text).map_err(|_| MessageError)
    }

    pub(crate) fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

#[cfg(test)]
mod tests {
    use orchestrator::contract::ReceivedEvent;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let event = serde_json::json!({
            "account": "acme", "run": "01J", "stack": "network", "stack_name": "Network", "state": "FINISHED",
            "run_type": "TRACKED", "branch": "main", "timestamp_ms": 1_700_000_000_000_i64,
        });
        let event = ReceivedEvent {
            event: serde_json::from_value(event).unwrap(),
            received_at_ms: Some(7),
        };
        let request = serde_json::from_value(serde_json::json!({"stack": "network"})).unwrap();
        for message in [
            Message::Received(Received::Event { event }),
            Message::Received(Received::Request {
                account: "acme".parse().unwrap(),
                id: "1".to_owned(),
                request,
            }),
            Message::Unreadable(Unreadable::new("run.id", "it is empty", 7, b"{\xff")),
        ] {
            assert_eq!(Message::parse(&message.to_text().unwrap()), Ok(message));
        }
    }

    #[test]
    fn other_texts_are_no_messages() {
        for text in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"kind":"event"}"#,
            r#"{"kind":"newer","account":"acme"}"#,
        ] {
            assert_eq!(Message::parse(text), Err(MessageError), "{text}");
        }
    }

    #[test]
    fn a_body_keeps_its_bytes() {
        let unreadable = Unreadable::new("", "it is no JSON", 0, b"\x00\xff\n");
        assert_eq!(unreadable.body().unwrap(), b"\x00\xff\n");
    }
}
