//! Messages in SQS: events that could not be recorded in Temporal, and authentic bodies that could not be read.

mod message;

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::http::HttpResponse;
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageSystemAttributeName, QueueAttributeName,
};
use tokio::sync::OnceCell;

pub use message::{Message, MessageError, Unreadable, VERSION};

/// The most messages that SQS returns at once.
const BATCH: i32 = 10;
/// How long SQS waits for messages. Without a wait it asks only some of its servers, and may miss messages. A request as a whole
/// has two seconds.
const WAIT: Duration = Duration::from_secs(1);
/// How long a received message is hidden from other consumers.
const HIDDEN: Duration = Duration::from_secs(120);

/// A failed request to SQS.
#[derive(Debug, thiserror::Error)]
#[error("the queue {url} could not {wanted}")]
pub struct QueueError {
    url: String,
    wanted: &'static str,
    pub kind: QueueErrorKind,
    source: Box<dyn std::error::Error + Send + Sync>,
}

/// Why it failed, as far as the caller can act on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueErrorKind {
    /// The credentials or the region are missing, or the request could not be built: nothing was sent.
    NotSent,
    /// No answer, or none in time.
    Unreachable,
    /// SQS answered with an error of this code.
    Rejected { code: String },
}

/// One queue. The client is created on first use.
#[derive(Debug)]
pub struct Queue {
    url: String,
    client: OnceCell<Client>,
}

/// A received message, hidden from other consumers for a while.
#[derive(Debug)]
pub struct Received {
    pub id: String,
    pub text: String,
    /// How often it was received, including this time.
    pub times: u32,
    pub receipt: String,
}

/// About how many messages a queue has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    pub waiting: u64,
    /// Received by somebody, and not deleted yet.
    pub hidden: u64,
}

impl Queue {
    /// The environment configures region, credentials and endpoint.
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
            .map_err(|error| self.not_sent("take a message", error))?;
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

    /// Some of the messages; none if the queue is empty.
    pub async fn receive(&self) -> Result<Vec<Received>, QueueError> {
        let asked = self
            .client()
            .await
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(BATCH)
            .visibility_timeout(seconds(HIDDEN))
            .wait_time_seconds(seconds(WAIT))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let received = asked
            .send()
            .await
            .map_err(|error| self.failed("give its messages", error))?;
        let messages = received.messages.unwrap_or_default();
        Ok(messages.into_iter().map(Received::from).collect())
    }

    /// About how many messages are in the queue, as SQS counts them.
    pub async fn depth(&self) -> Result<Depth, QueueError> {
        use QueueAttributeName::{ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible};
        let asked = self
            .client()
            .await
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(ApproximateNumberOfMessages)
            .attribute_names(ApproximateNumberOfMessagesNotVisible);
        let answer = asked
            .send()
            .await
            .map_err(|error| self.failed("say how many messages it has", error))?;
        let count = |name| answer.attributes()?.get(&name)?.parse().ok();
        Ok(Depth {
            waiting: count(ApproximateNumberOfMessages).unwrap_or(0),
            hidden: count(ApproximateNumberOfMessagesNotVisible).unwrap_or(0),
        })
    }

    /// Deletes a message.
    pub async fn delete(&self, message: &Received) -> Result<(), QueueError> {
        let asked = self.client().await.delete_message().queue_url(&self.url);
        asked
            .receipt_handle(&message.receipt)
            .send()
            .await
            .map_err(|error| self.failed("delete a message", error))?;
        Ok(())
    }

    /// Makes a message visible to other consumers at once.
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

    /// Changes how long received messages stay hidden, each by its receipt. At most ten.
    pub async fn hide(&self, messages: &[(String, Duration)]) -> Result<(), QueueError> {
        const WANTED: &str = "hide messages in hand";
        let mut entries = Vec::new();
        for (number, (receipt, hidden)) in messages.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder()
                .id(number.to_string())
                .receipt_handle(receipt)
                .visibility_timeout(seconds(*hidden))
                .build();
            entries.push(entry.map_err(|error| self.not_sent(WANTED, error))?);
        }
        let asked = self
            .client()
            .await
            .change_message_visibility_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries));
        let answer = asked.send().await.map_err(|error| self.failed(WANTED, error))?;
        match answer.failed.first() {
            Some(refused) => Err(QueueError {
                url: self.url.clone(),
                wanted: WANTED,
                kind: QueueErrorKind::Rejected {
                    code: refused.code.clone(),
                },
                source: refused.message.clone().unwrap_or_default().into(),
            }),
            None => Ok(()),
        }
    }

    async fn client(&self) -> &Client {
        self.client
            .get_or_init(async || Client::new(environment::aws::config().await))
            .await
    }

    fn failed<E>(&self, wanted: &'static str, source: SdkError<E, HttpResponse>) -> QueueError
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let kind = match (&source, source.code()) {
            (_, Some(code)) => QueueErrorKind::Rejected {
                code: code.to_owned(),
            },
            (SdkError::ConstructionFailure(_), None) => QueueErrorKind::NotSent,
            // Of the connector's errors, only these two come from the network.
            (SdkError::DispatchFailure(failure), None) if !failure.is_io() && !failure.is_timeout() => {
                QueueErrorKind::NotSent
            }
            _ => QueueErrorKind::Unreachable,
        };
        QueueError {
            url: self.url.clone(),
            wanted,
            kind,
            source: source.into(),
        }
    }

    fn not_sent(
        &self,
        wanted: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> QueueError {
        QueueError {
            url: self.url.clone(),
            wanted,
            kind: QueueErrorKind::NotSent,
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
