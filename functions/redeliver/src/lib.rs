//! SQS to Temporal: records the events that waited while Temporal could not be reached.
//!
//! Nothing is verified again: only the webhook may write to the queue. The call and the workflow ids are the webhook's,
//! so events that were recorded in the meantime are duplicates.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::Instant;

use anyhow::bail;
use audit::{Action, Entry, Record, Store};
use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use chain::event::EVENT_AGE_MAX;
use environment::Variables;
use queue::{Message, Queue};
use settings::{Problems, Settings};
use telemetry::{Line, Namespace, Unit};
use temporal_client::contract::{Received, Source};
use temporal_client::{Recorded, Recorder, TemporalErrorKind, TemporalSource, clock};
use tracing::{error, info, warn};

const BUFFER_VARIABLE: &str = "SPILLWAY_BUFFER_QUEUE_URL";
/// How long the start waits for Temporal. What was not ready in time is retried with the first batch.
const WARM_UP_TIME_MAX: Duration = Duration::from_secs(6);

/// How long before its deadline the function answers. Lambda ends a function at its deadline without an answer, and
/// then every message of the batch counts one more try, even those that were recorded.
const ANSWER_TIME: Duration = Duration::from_secs(2);
/// How long writing to the audit log may take. The event is already recorded in Temporal.
const AUDIT_TIME_MAX: Duration = Duration::from_secs(2);

/// The pause before the second try of a message if Temporal could not be reached; each later pause is twice as long. So
/// five tries take three quarters of an hour, and no message waits much longer than the outage.
const FIRST_PAUSE: Duration = Duration::from_secs(90);
/// The longest time that SQS can hide a message.
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 3600);

/// Records the messages of the queue.
pub struct Redeliverer {
    recorder: Recorder,
    /// The queue of the messages. Without it, each waits as long as its queue is configured to.
    buffer: Option<Queue>,
    audit: Option<Store>,
    metrics: Namespace,
}

/// Why a message stays in the queue. After five tries it goes to the dead-letter queue.
#[derive(Debug, thiserror::Error)]
enum NotRedelivered {
    #[error(transparent)]
    NotRecorded(#[from] TemporalErrorKind),
    #[error("the function has no more time")]
    NoTime,
    #[error("it is {hours} hours old, and Temporal may have deleted its workflow: a person has to decide")]
    TooOld { hours: i64 },
    #[error(transparent)]
    Unreadable(#[from] queue::MessageError),
    #[error("it is a body that could not be read, which belongs into the quarantine")]
    Quarantined,
}

impl Redeliverer {
    /// Reads variables, and reports all problems in one message.
    pub async fn from_variables(variables: &Variables) -> anyhow::Result<Self> {
        let lookup = |name: &str| variables.get(name).cloned();
        let mut problems = Problems::default();
        let temporal = problems.check(TemporalSource::from_variables(variables));
        let settings = problems.check(Settings::from_lookup(lookup));
        let audit = problems.check(Store::from_lookup(lookup).await);
        let (Some(temporal), Some(settings), Some(audit)) = (temporal, settings, audit) else {
            bail!("the function cannot start:\n{problems}");
        };
        Ok(Self {
            recorder: Recorder::new(temporal, settings),
            buffer: variables.get(BUFFER_VARIABLE).map(Queue::new),
            audit,
            metrics: Namespace::from_lookup(lookup),
        })
    }

    /// Connects, so that the first batch need not wait for it.
    pub async fn warm_up(&self) {
        if tokio::time::timeout(WARM_UP_TIME_MAX, self.recorder.warm_up())
            .await
            .is_err()
        {
            warn!("Temporal was not ready; the first batch retries");
        }
    }

    /// Records the messages concurrently, and before the deadline returns those that have to stay in the queue.
    pub async fn redeliver(&self, event: SqsEvent, deadline: Instant) -> SqsBatchResponse {
        let until = deadline.checked_sub(ANSWER_TIME).unwrap_or(deadline);
        let redelivered = join_all(event.records.iter().map(|message| self.one(message, until))).await;
        let mut response = SqsBatchResponse::default();
        let mut pauses = Vec::new();
        for (message, redelivered) in event.records.iter().zip(redelivered) {
            let Err(error) = redelivered else { continue };
            error!(
                message.id = message.message_id,
                "A message stays in the queue: {error}"
            );
            let waits = matches!(error, NotRedelivered::NotRecorded(_) | NotRedelivered::NoTime);
            if let (true, Some(receipt)) = (waits, &message.receipt_handle) {
                pauses.push((receipt.clone(), pause_after(tries(message))));
            }
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
        // If this takes too long, the queue's own pause applies.
        if tokio::time::timeout_at(deadline - ANSWER_TIME / 2, self.postpone(&pauses))
            .await
            .is_err()
        {
            warn!("The remaining messages could not be hidden in time");
        }
        let failed = response.batch_item_failures.len();
        self.metrics.emit(
            Line::default()
                .metric("Redelivered", Unit::Count, event.records.len() - failed)
                .metric("RedeliveriesFailed", Unit::Count, failed),
        );
        response
    }

    /// If this fails, the queue's own pause applies.
    async fn postpone(&self, pauses: &[(String, Duration)]) {
        if let Some(buffer) = self.buffer.as_ref().filter(|_| !pauses.is_empty())
            && let Err(error) = buffer.hide(pauses).await
        {
            warn!("{:#}", anyhow::Error::new(error));
        }
    }

    async fn one(&self, message: &SqsMessage, until: Instant) -> Result<(), NotRedelivered> {
        let received = match Message::parse(message.body.as_deref().unwrap_or_default())? {
            Message::Received(received) => received,
            Message::Unreadable(_) => return Err(NotRedelivered::Quarantined),
        };
        if let Some(made_at_ms) = made_at_ms(&received, message) {
            let age = clock::elapsed_since(made_at_ms);
            if age > EVENT_AGE_MAX {
                let hours = clock::milliseconds(age) / 3_600_000;
                return Err(NotRedelivered::TooOld { hours });
            }
        }
        let recorded = tokio::time::timeout_at(until, self.recorder.record(&received, Source::Queue))
            .await
            .map_err(|_| NotRedelivered::NoTime)??;
        let (workflow_id, outcome) = match &recorded {
            Recorded::Accepted { workflow_id, .. } => (workflow_id, "accepted"),
            Recorded::Duplicate { workflow_id } => (workflow_id, "duplicate"),
        };
        info!(
            message.id = message.message_id,
            workflow.id = workflow_id,
            "Redelivered: {outcome}"
        );
        let limit = until.min(Instant::now() + AUDIT_TIME_MAX);
        self.write_audit_record(&received, outcome, limit).await;
        Ok(())
    }

    /// The event is recorded in Temporal, whether or not this succeeds.
    async fn write_audit_record(&self, received: &Received, outcome: &str, limit: Instant) {
        let Some(store) = &self.audit else {
            return;
        };
        let mut entry = Entry::new(clock::now_ms(), "redeliver", Action::DeliveryRedelivered);
        received.identify(&mut entry);
        entry.outcome = Some(outcome.to_owned());
        let record = Record::unlinked(entry);
        let problem = match tokio::time::timeout_at(limit, store.put_delivery(&record)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => format!("{:#}", anyhow::Error::new(error)),
            Err(_) => "no answer in time".to_owned(),
        };
        self.metrics
            .emit(Line::default().metric("AuditFailures", Unit::Count, 1));
        error!("The audit log could not be written: {problem}");
    }
}

/// When it was asked for, or when it happened. `None` for a report that a run is over, which starts nothing if that was long
/// ago.
fn made_at_ms(received: &Received, message: &SqsMessage) -> Option<i64> {
    match received {
        Received::Event { event } => Some(event.event.timestamp_ms),
        // A message that was moved from one queue to another may count as sent when it was moved.
        Received::Request { received_at_ms, .. } => received_at_ms.or_else(|| sent_at_ms(message)),
        Received::RunEnded { .. } => None,
    }
}

fn sent_at_ms(message: &SqsMessage) -> Option<i64> {
    message.attributes.get("SentTimestamp")?.parse().ok()
}

/// How often a message was received, including this time.
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
    fn pauses_double_up_to_the_limit_of_sqs() {
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
