//! SQS to Temporal: records the events that waited while Temporal was away.
//!
//! Nothing is verified again: only the webhook may write to the queue. The call and the ids are the webhook's, so what
//! was recorded meanwhile is a duplicate.

use std::time::Duration;

use anyhow::bail;
use audit::{Action, Entry, Record, Store};
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use chain::event::EVENT_AGE_MAX;
use environment::Variables;
use orchestrator::contract::{Received, Source};
use orchestrator::{Recorded, Recorder, Settings, TemporalSource, clock};
use queue::{Message, Queue};
use telemetry::{Line, Namespace, Unit};
use tracing::{error, info, warn};

const BUFFER_VARIABLE: &str = "SPILLWAY_BUFFER_QUEUE_URL";
/// How long the start waits for Temporal; what was not ready in time is tried again with the first batch.
const WARM_UP_TIME_MAX: Duration = Duration::from_secs(6);

/// How long a message waits for its second try, where Temporal was away at the first; before each later one it waits
/// twice as long. So five tries take three quarters of an hour, and no message waits much longer than Temporal was away.
const FIRST_PAUSE: Duration = Duration::from_secs(90);
/// As long as SQS hides anything.
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 3600);

/// Records what waited.
pub struct Redeliverer {
    recorder: Recorder,
    /// Where the messages come from. Without it each waits for as long as its queue says.
    buffer: Option<Queue>,
    audit: Option<Store>,
    metrics: Namespace,
}

/// Why a message stays in the queue. After five tries it goes to the dead letters.
#[derive(Debug, thiserror::Error)]
enum NotRedelivered {
    #[error("Temporal is away")]
    TemporalAway,
    #[error(
        "it is {hours} hours old, and Temporal may have forgotten what it knew of it: a person has to decide"
    )]
    TooOld { hours: i64 },
    #[error(transparent)]
    Unreadable(#[from] queue::MessageError),
    #[error("it is a body that could not be read, which belongs into the quarantine")]
    Quarantined,
}

impl Redeliverer {
    /// From variables, with everything that is wrong in one message.
    pub async fn from_variables(variables: &Variables) -> anyhow::Result<Self> {
        let lookup = |name: &str| variables.get(name).cloned();
        let mut problems = Vec::new();
        let temporal = TemporalSource::from_variables(variables)
            .map_err(|error| problems.push(format!("{:#}", anyhow::Error::new(error))));
        let settings = Settings::from_lookup(lookup).map_err(|error| problems.push(error.to_string()));
        let audit = Store::from_lookup(lookup)
            .await
            .map_err(|error| problems.push(format!("{:#}", anyhow::Error::new(error))));
        let (Ok(temporal), Ok(settings), Ok(audit)) = (temporal, settings, audit) else {
            bail!("the function cannot start:\n{}", problems.join("\n"));
        };
        Ok(Self {
            recorder: Recorder::new(temporal, settings),
            buffer: variables.get(BUFFER_VARIABLE).map(Queue::new),
            audit,
            metrics: Namespace::from_lookup(lookup),
        })
    }

    /// Does what the first batch would have to wait for.
    pub async fn warm_up(&self) {
        if tokio::time::timeout(WARM_UP_TIME_MAX, self.recorder.warm_up())
            .await
            .is_err()
        {
            warn!("Temporal was not ready; the first batch tries again");
        }
    }

    /// Records each message, and names those that have to stay in the queue.
    pub async fn redeliver(&self, event: SqsEvent) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        let mut pauses = Vec::new();
        for message in &event.records {
            if let Err(error) = self.one(message).await {
                error!(
                    message.id = message.message_id,
                    "A message stays in the queue: {error}"
                );
                if let (NotRedelivered::TemporalAway, Some(receipt)) = (error, &message.receipt_handle) {
                    pauses.push((receipt.clone(), pause_after(tries(message))));
                }
                let mut failure = BatchItemFailure::default();
                failure.item_identifier = message.message_id.clone().unwrap_or_default();
                response.batch_item_failures.push(failure);
            }
        }
        self.postpone(&pauses).await;
        let failed = response.batch_item_failures.len();
        self.metrics.emit(
            Line::default()
                .metric("Redelivered", Unit::Count, event.records.len() - failed)
                .metric("RedeliveriesFailed", Unit::Count, failed),
        );
        response
    }

    /// Where this does not work, the queue's own pause is in force.
    async fn postpone(&self, pauses: &[(String, Duration)]) {
        if let Some(buffer) = self.buffer.as_ref().filter(|_| !pauses.is_empty())
            && let Err(error) = buffer.hide(pauses).await
        {
            warn!("{:#}", anyhow::Error::new(error));
        }
    }

    async fn one(&self, message: &SqsMessage) -> Result<(), NotRedelivered> {
        let received = match Message::parse(message.body.as_deref().unwrap_or_default())? {
            Message::Received(received) => received,
            Message::Unreadable(_) => return Err(NotRedelivered::Quarantined),
        };
        if let Received::Event { event: received } = &received {
            let age = clock::elapsed_since(received.event.timestamp_ms);
            if age > EVENT_AGE_MAX {
                let hours = clock::milliseconds(age) / 3_600_000;
                return Err(NotRedelivered::TooOld { hours });
            }
        }
        let recorded = self
            .recorder
            .record(&received, Source::Queue)
            .await
            .ok_or(NotRedelivered::TemporalAway)?;
        let (workflow_id, outcome) = match &recorded {
            Recorded::Accepted { workflow_id, .. } => (workflow_id, "accepted"),
            Recorded::Duplicate { workflow_id } => (workflow_id, "duplicate"),
        };
        info!(
            message.id = message.message_id,
            workflow.id = workflow_id,
            "Redelivered: {outcome}"
        );
        self.write_down(&received, outcome).await;
        Ok(())
    }

    /// What is recorded in Temporal is recorded, whether or not this works.
    async fn write_down(&self, received: &Received, outcome: &str) {
        let Some(store) = &self.audit else {
            return;
        };
        let mut entry = Entry::new(clock::now_ms(), "redeliver", Action::DeliveryRedelivered);
        received.identify(&mut entry);
        entry.outcome = Some(outcome.to_owned());
        if let Err(error) = store.put_delivery(&Record::unlinked(entry)).await {
            self.metrics
                .emit(Line::default().metric("AuditFailures", Unit::Count, 1));
            error!("{:#}", anyhow::Error::new(error));
        }
    }
}

/// How often a message was handed out, this time included.
fn tries(message: &SqsMessage) -> u32 {
    let counted = message.attributes.get("ApproximateReceiveCount");
    counted.and_then(|counted| counted.parse().ok()).unwrap_or(1)
}

fn pause_after(tries: u32) -> Duration {
    let factor = 2_u32.saturating_pow(tries.saturating_sub(1));
    FIRST_PAUSE.saturating_mul(factor).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_twice_the_one_before_and_none_is_longer_than_sqs_takes() {
        for (tries, seconds) in [
            (0, 90),
            (1, 90),
            (2, 180),
            (4, 720),
            (5, 1440),
            (u32::MAX, 43_200),
        ] {
            assert_eq!(
                pause_after(tries),
                Duration::from_secs(seconds),
                "after {tries} tries"
            );
        }
    }
}
