//! What is reported about a delivery: one log line, the metrics, and a record in the audit log.

mod summaries;

use std::time::Duration;

use audit::{Action, Entry, Record, Store};
use axum::body::Bytes;
use chain::event;
use chain::signature::SignatureError;
use chain::{CommitSha, Reason};
use futures::future::join_all;
use telemetry::{Line, Namespace, Unit};
use temporal_client::Recorded;
use temporal_client::clock;
use temporal_client::contract::{Received, ReceivedEvent};
use tracing::{error, info, warn};

use crate::answer::Answer;
pub(crate) use summaries::SUMMARY_EVERY;
use summaries::Summaries;

/// How long writing to the audit log may take. The sender waits, and the decision is already made.
const AUDIT_TIME_MAX: Duration = Duration::from_secs(2);

/// What is known of a delivery.
pub(crate) enum DeliveryDetails {
    Nothing,
    Bytes(usize),
    Forgery { error: SignatureError, bytes: usize },
    Received(Received),
}

impl DeliveryDetails {
    pub(crate) fn bytes(body: &Bytes) -> Self {
        Self::Bytes(body.len())
    }

    /// Whether the delivery says that it was sent a short time ago. If not, it may be a replay: whoever saw it can send it
    /// again as often as they like.
    pub(crate) fn is_timely(&self) -> bool {
        match self {
            Self::Received(Received::Event { event }) => {
                event::why_replayable(&event.event, clock::now_ms()).is_none()
            }
            // An old one is refused.
            Self::Received(Received::Request { .. }) => true,
            // A report has no time, and neither has what could not be read.
            Self::Received(Received::RunEnded { .. })
            | Self::Nothing
            | Self::Bytes(_)
            | Self::Forgery { .. } => false,
        }
    }
}

pub(crate) struct Journal {
    audit: Option<Store>,
    metrics: Namespace,
    summaries: Summaries,
}

impl Journal {
    pub(crate) fn new(audit: Option<Store>, metrics: Namespace) -> Self {
        Self {
            audit,
            metrics,
            summaries: Summaries::default(),
        }
    }

    pub(crate) async fn report(&self, answer: &Answer, details: &DeliveryDetails, took: Duration) {
        log(answer, details);
        self.measure(answer, details, took);
        self.write_audit_record(answer, details).await;
    }

    /// Counts an unreadable body that was put into the quarantine queue.
    pub(crate) fn count_quarantined(&self) {
        self.metrics
            .emit(Line::default().metric("Quarantined", Unit::Count, 1));
    }

    fn measure(&self, answer: &Answer, details: &DeliveryDetails, took: Duration) {
        if !self.metrics.is_enabled() {
            return;
        }
        let count = |holds: bool| u8::from(holds);
        // Spacelift always signs. A request without a well-formed signature comes from a scanner, and must not raise an
        // alarm.
        let is_mismatch = matches!(
            details,
            DeliveryDetails::Forgery {
                error: SignatureError::Mismatch,
                ..
            }
        );
        let mut line = Line::default();
        if is_mismatch || answer.is_authentic() || matches!(answer, Answer::Unavailable | Answer::Unverified)
        {
            line = line.metric("FailedDeliveries", Unit::Count, count(!answer.is_success()));
        }
        self.metrics.emit(
            line.dimension("Answer", answer.code())
                .dimension("Reason", reason_of(answer, details).unwrap_or("none"))
                .metric_by(
                    &[&["Answer"], &["Answer", "Reason"]],
                    "Deliveries",
                    Unit::Count,
                    1,
                )
                .metric("AuthenticDeliveries", Unit::Count, count(answer.is_authentic()))
                .metric("SignatureFailures", Unit::Count, count(is_mismatch))
                .metric("Buffered", Unit::Count, count(matches!(answer, Answer::Buffered)))
                .metric("LatencyMs", Unit::Milliseconds, took.as_secs_f64() * 1000.0),
        );
    }

    /// The decision is final, whether or not this succeeds.
    async fn write_audit_record(&self, answer: &Answer, details: &DeliveryDetails) {
        let Some(store) = &self.audit else {
            return;
        };
        let entry = entry(answer, details);
        if is_summed_up(&entry, details) {
            self.summaries.add(entry);
            self.write_due().await;
        } else {
            // A function has no timer between two requests, so each one looks whether a summary is due.
            tokio::join!(self.write(store, entry), self.write_due());
        }
    }

    /// Writes what was summed up since the last record of its kind, if that was a minute ago.
    pub(crate) async fn write_due(&self) {
        self.write_summaries(self.summaries.due()).await;
    }

    /// Writes what is only counted so far. To be called before the process ends.
    pub(crate) async fn write_rest(&self) {
        self.write_summaries(self.summaries.rest()).await;
    }

    async fn write_summaries(&self, summaries: Vec<Entry>) {
        let Some(store) = &self.audit else {
            return;
        };
        let written = summaries.into_iter().map(async |summary| {
            let (action, count) = (summary.action, summary.count);
            if self.write(store, summary).await {
                self.summaries.written(action, count);
            }
        });
        join_all(written).await;
    }

    /// Returns whether the entry is written.
    async fn write(&self, store: &Store, entry: Entry) -> bool {
        let record = Record::unlinked(entry);
        // On the heap: the future of a request is large, and would be part of every future that awaits this one.
        let put = Box::pin(store.put_delivery(&record));
        let problem = match tokio::time::timeout(AUDIT_TIME_MAX, put).await {
            Ok(Ok(())) => return true,
            Ok(Err(error)) => format!("{:#}", anyhow::Error::new(error)),
            Err(_) => format!("no answer within {} s", AUDIT_TIME_MAX.as_secs()),
        };
        self.metrics
            .emit(Line::default().metric("AuditFailures", Unit::Count, 1));
        error!("The audit log could not be written: {problem}");
        false
    }
}

/// Whether a record stands for many such deliveries: strangers can cause as many as they like.
fn is_summed_up(entry: &Entry, details: &DeliveryDetails) -> bool {
    match entry.action {
        Action::DeliveryRefused => true,
        Action::DeliveryIgnored | Action::DeliveryUnreadable => !details.is_timely(),
        _ => false,
    }
}

fn entry(answer: &Answer, details: &DeliveryDetails) -> Entry {
    let action = match answer {
        Answer::Recorded(Recorded::Accepted { .. }) => Action::DeliveryAccepted,
        Answer::Recorded(Recorded::Duplicate { .. }) => Action::DeliveryDuplicate,
        Answer::Buffered => Action::DeliveryBuffered,
        Answer::Ignored { .. } => Action::DeliveryIgnored,
        Answer::Unreadable { .. } | Answer::Incomplete { .. } => Action::DeliveryUnreadable,
        Answer::Unavailable => Action::DeliveryUnavailable,
        _ => Action::DeliveryRefused,
    };
    let mut entry = Entry::new(clock::now_ms(), "webhook", action);
    if let DeliveryDetails::Received(received) = details {
        received.identify(&mut entry);
    }
    let text = match (answer, details) {
        (Answer::Ignored { reason, .. }, _) => reason.clone(),
        (_, DeliveryDetails::Forgery { error, .. }) => error.to_string(),
        // The reason of an unreadable body quotes the body.
        _ => String::new(),
    };
    entry.reason = reason_of(answer, details)
        .or(answer.reason())
        .map(|code| Reason::new(code.to_owned(), text));
    entry
}

/// A code from a small fixed set.
fn reason_of<'a>(answer: &'a Answer, details: &DeliveryDetails) -> Option<&'a str> {
    match (answer, details) {
        (Answer::Ignored { code, .. }, _) => Some(code),
        (_, DeliveryDetails::Forgery { error, .. }) => Some(error.code()),
        (Answer::TooLarge | Answer::NotJson | Answer::Broken | Answer::Unverified, _) => Some(answer.code()),
        _ => None,
    }
}

/// One line for each delivery. The reason of an unreadable body quotes the body, so only the field is logged.
fn log(answer: &Answer, details: &DeliveryDetails) {
    let (code, reason) = (answer.code(), answer.reason());
    match details {
        DeliveryDetails::Received(Received::Event {
            event: ReceivedEvent { event, .. },
        }) => info!(
            delivery.answer = code,
            delivery.reason = reason,
            workflow.id = answer.workflow_id(),
            account = %event.account, stack.id = %event.stack, stack.name = event.stack_name,
            space.id = event.space.as_ref().map(AsRef::<str>::as_ref),
            run.id = %event.run, run.state = %event.state, run.kind = %event.run_type,
            run.branch = event.branch, run.commit = event.commit.as_ref().map(CommitSha::as_str),
            event.timestamp_ms = event.timestamp_ms,
            "Run {} of `{}` is {}: {code}", event.run, event.stack, event.state
        ),
        DeliveryDetails::Received(Received::RunEnded { account, ended }) => info!(
            delivery.answer = code,
            delivery.reason = reason,
            workflow.id = answer.workflow_id(),
            account = %account, stack.id = %ended.stack, run.id = %ended.run,
            "Run {} of `{}` ended, according to a report: {code}", ended.run, ended.stack
        ),
        DeliveryDetails::Received(Received::Request {
            account, id, request, ..
        }) => info!(
            delivery.answer = code,
            delivery.reason = reason,
            workflow.id = answer.workflow_id(),
            account = %account, stack.id = %request.stack, request.id = id,
            "Request for a run of `{}`: {code}", request.stack
        ),
        DeliveryDetails::Forgery { error, bytes } => warn!(
            delivery.answer = code,
            signature.reason = error.code(),
            body.bytes = bytes,
            "Refused a delivery: {error}"
        ),
        DeliveryDetails::Bytes(bytes) if answer.is_success() => info!(
            delivery.answer = code,
            delivery.reason = reason,
            body.bytes = bytes,
            "A delivery is {code}"
        ),
        DeliveryDetails::Bytes(_) | DeliveryDetails::Nothing => {
            let bytes = match details {
                DeliveryDetails::Bytes(bytes) => Some(bytes),
                _ => None,
            };
            warn!(
                delivery.answer = code,
                delivery.reason = reason,
                body.bytes = bytes,
                "A delivery is {code}"
            );
        }
    }
}
