//! What waits in SQS: events that Temporal could not take, and authentic bodies that could not be read.

mod message;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, MessageSystemAttributeName};
use tokio::sync::OnceCell;

pub use message::{Message, MessageError, Unreadable};

/// How many messages SQS gives at once, at most.
const BATCH: i32 = 10;
/// How long a message that was received is hidden from others.
const HIDDEN: Duration = Duration::from_secs(120);

/// SQS did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
#[error("the queue {url} did not {wanted}")]
pub struct QueueError {
    url: String,
    wanted: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// One queue. The client is made when it is first needed.
#[derive(Debug)]
pub struct Queue {
    url: String,
    client: OnceCell<Client>,
}

/// A message in hand, hidden from others for a while.
#[derive(Debug)]
pub struct Received {
    pub id: String,
    pub text: String,
    /// How often it was received, this time included.
    pub times: u32,
    pub receipt: String,
}

impl Queue {
    /// Region, credentials and endpoint are those of the environment.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            client: OnceCell::new(),
        }
    }

    pub fn with(url: impl Into<String>, aws: &SdkConfig) -> Self {
        Self {
            url: url.into(),
            client: OnceCell::new_with(Some(Client::new(aws))),
        }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub async fn send(&self, message: &Message) -> Result<(), QueueError> {
        let text = message
            .to_text()
            .map_err(|error| self.failed("take a message", error))?;
        let sent = self
            .client()
            .await
            .send_message()
            .queue_url(&self.url)
            .message_body(text);
        sent.send()
            .await
            .map_err(|error| self.failed("take a message", error))?;
        Ok(())
    }

    /// Some of the messages; none where the queue is empty.
    pub async fn receive(&self) -> Result<Vec<Received>, QueueError> {
        let asked = self
            .client()
            .await
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(BATCH)
            .visibility_timeout(seconds(HIDDEN))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let received = asked
            .send()
            .await
            .map_err(|error| self.failed("give its messages", error))?;
        let messages = received.messages.unwrap_or_default();
        Ok(messages.into_iter().map(Received::from).collect())
    }

    /// Takes a message out for good.
    pub async fn delete(&self, message: &Received) -> Result<(), QueueError> {
        let asked = self.client().await.delete_message().queue_url(&self.url);
        asked
            .receipt_handle(&message.receipt)
            .send()
            .await
            .map_err(|error| self.failed("delete a message", error))?;
        Ok(())
    }

    /// Lets others see a message again, at once.
    pub async fn give_back(&self, message: &Received) -> Result<(), QueueError> {
        let asked = self
            .client()
            .await
            .change_message_visibility()
            .queue_url(&self.url);
        asked
            .receipt_handle(&message.receipt)
            .visibility_timeout(0)
            .send()
            .await
            .map_err(|error| self.failed("take a message back", error))?;
        Ok(())
    }

    /// Hides messages in hand for longer, or for less long: each by its receipt. At most ten.
    pub async fn hide(&self, messages: &[(String, Duration)]) -> Result<(), QueueError> {
        let failed =
            |source: Box<dyn std::error::Error + Send + Sync>| self.failed("hide messages in hand", source);
        let mut entries = Vec::new();
        for (number, (receipt, hidden)) in messages.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(number.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(seconds(*hidden))
                .build();
            entries.push(entry.map_err(|error| failed(error.into()))?);
        }
        let asked = self
            .client()
            .await
            .change_message_visibility_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries));
        let answer = asked.send().await.map_err(|error| failed(error.into()))?;
        match answer.failed.first() {
            Some(refused) => Err(failed(refused.message.clone().unwrap_or_default().into())),
            None => Ok(()),
        }
    }

    async fn client(&self) -> &Client {
        self.client
            .get_or_init(async || Client::new(environment::aws::config().await))
            .await
    }

    fn failed(
        &self,
        wanted: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> QueueError {
        QueueError {
            url: self.url.clone(),
            wanted,
            source: source.into(),
        }
    }
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

impl From<aws_sdk_sqs::types::Message> for Received {
    fn from(message: aws_sdk_sqs::types::Message) -> Self {
        let counted = MessageSystemAttributeName::ApproximateReceiveCount;
        let times = message
            .attributes()
            .and_then(|attributes| attributes.get(&counted)?.parse().ok());
        Self {
            times: times.unwrap_or(1),
            id: message.message_id.unwrap_or_default(),
            text: message.body.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
        }
    }
}
