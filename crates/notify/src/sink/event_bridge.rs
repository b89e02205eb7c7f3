//! Amazon EventBridge.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use chain::error_text::root_cause;
use serde_json::{Value, json};

use crate::error::SinkError;
use crate::message::Message;

const SOURCE: &str = "spillway";
const DETAIL_TYPE: &str = "Spillway chain";

#[derive(Debug)]
pub(crate) struct EventBridge {
    pub(crate) client: Client,
    pub(crate) bus: String,
}

impl EventBridge {
    /// Whether the bus exists.
    pub(crate) async fn probe(&self) -> Result<String, SinkError> {
        let asked = self.client.describe_event_bus().name(&self.bus).send();
        match asked.await {
            Ok(bus) => Ok(format!("the bus {} exists", bus.arn().unwrap_or(&self.bus))),
            Err(error) if error.code().is_some() => Err(SinkError::Rejected(root_cause(&error))),
            Err(error) => Err(SinkError::Unreachable(root_cause(&error))),
        }
    }

    pub(crate) async fn send(&self, message: &Message<'_>, sink: &str) -> Result<(), SinkError> {
        let mut detail = detail(message);
        detail["id"] = json!(message.delivery_id(sink));
        self.put(DETAIL_TYPE, &detail).await
    }

    pub(crate) async fn put(&self, detail_type: &str, detail: &Value) -> Result<(), SinkError> {
        let entry = PutEventsRequestEntry::builder()
            .source(SOURCE)
            .detail_type(detail_type)
            .event_bus_name(&self.bus)
            .detail(detail.to_string())
            .build();
        let answer = self
            .client
            .put_events()
            .entries(entry)
            .send()
            .await
            .map_err(|error| SinkError::Unreachable(root_cause(&error)))?;
        let refused = answer.entries().iter().find_map(|entry| entry.error_code());
        refused.map_or(Ok(()), |code| Err(SinkError::Rejected(code.to_owned())))
    }
}

pub(crate) fn detail(message: &Message<'_>) -> Value {
    json!(message.notice)
}
