//! The format of messages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use temporal_client::contract::Received;

/// The version of the messages that this program writes. Fields are added with a default. A message with a higher
/// version must not be processed by an older program.
pub const VERSION: u32 = 1;

/// A message in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", content = "content", rename_all = "snake_case")]
pub enum Message {
    /// It could not be recorded in Temporal.
    Received(Received),
    /// It was authentic, and could not be read.
    Unreadable(Unreadable),
}

/// An authentic body that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// The path of the field; empty if the whole body is wrong.
    pub field: String,
    pub reason: String,
    pub received_at_ms: i64,
    /// The body's bytes in Base64, since they may not be text.
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

    /// The original body.
    pub fn body(&self) -> Result<Vec<u8>, MessageError> {
        STANDARD.decode(&self.body).map_err(|_| MessageError::Unknown)
    }
}

/// Why a message cannot be processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    #[error("the message is none that the webhook wrote")]
    Unknown,
    #[error(
        "the message has version {version}, and this program knows none above {VERSION}: deploy the newer one"
    )]
    Newer { version: u32 },
}

/// The format of a message.
#[derive(Serialize, Deserialize)]
struct Envelope<M> {
    version: u32,
    body: M,
}

impl Message {
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        // The version first: the body of a newer message may have any format.
        let Envelope { version, body } =
            serde_json::from_str::<Envelope<Value>>(text).map_err(|_| MessageError::Unknown)?;
        if version > VERSION {
            return Err(MessageError::Newer { version });
        }
        serde_json::from_value(body).map_err(|_| MessageError::Unknown)
    }

    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Envelope {
            version: VERSION,
            body: self,
        })
    }
}

#[cfg(test)]
mod tests {
    use temporal_client::contract::ReceivedEvent;

    use super::*;

    #[test]
    fn a_written_message_is_read_back() {
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
                received_at_ms: Some(7),
            }),
            Message::Unreadable(Unreadable::new("run.id", "it is empty", 7, b"{\xff")),
        ] {
            assert_eq!(Message::parse(&message.to_text().unwrap()), Ok(message));
        }
    }

    #[test]
    fn other_texts_are_not_messages() {
        for text in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"kind":"event"}"#,
            r#"{"version":1}"#,
            r#"{"version":1,"body":{"message":"received","content":{"kind":"vision"}}}"#,
            r#"{"version":1,"body":{"message":"vision","content":{}}}"#,
        ] {
            assert_eq!(Message::parse(text), Err(MessageError::Unknown), "{text}");
        }
    }

    #[test]
    fn a_newer_message_is_recognised_whatever_its_content() {
        let newer = r#"{"version":2,"body":["of the future"]}"#;
        assert_eq!(Message::parse(newer), Err(MessageError::Newer { version: 2 }));
    }

    /// These messages may be waiting in queues: add examples, never change them.
    #[test]
    fn old_messages_can_be_read() {
        for (text, is_unreadable) in [
            (
                r#"{"version":1,"body":{"message":"received","content":{"kind":"request","account":"acme","id":"1",
                    "request":{"stack":"network"}}}}"#,
                false,
            ),
            (
                r#"{"version":1,"body":{"message":"received","content":{"kind":"run_ended","account":"acme",
                    "ended":{"stack":"network","run":"01J","event":"completed"}}}}"#,
                false,
            ),
            (
                r#"{"version":1,"body":{"message":"unreadable","content":{"field":"run.id","reason":"it is empty",
                    "received_at_ms":7,"body":"e/8="}}}"#,
                true,
            ),
        ] {
            let message = Message::parse(text).unwrap();
            assert_eq!(matches!(message, Message::Unreadable(_)), is_unreadable, "{text}");
        }
    }

    #[test]
    fn a_body_keeps_its_bytes() {
        let unreadable = Unreadable::new("", "it is no JSON", 0, b"\x00\xff\n");
        assert_eq!(unreadable.body().unwrap(), b"\x00\xff\n");
    }
}
