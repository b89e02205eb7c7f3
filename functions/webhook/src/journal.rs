//! What is told of a delivery: one log line, the metrics, and a record in the audit log.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use audit::{Action, Entry, Record, Store};
use axum::body::Bytes;
use chain::signature::SignatureError;
use chain::{CommitSha, Reason};
use orchestrator::Recorded;
use orchestrator::clock;
use orchestrator::contract::{Received, ReceivedEvent};
use telemetry::{Line, Namespace, Unit};
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::answer::Answer;

/// How long the audit log may take. The sender waits, and the decision is made.
const AUDIT_TIME_MAX: Duration = Duration::from_secs(2);
/// How often a refusal is written down. Anyone can cause refusals, and each record costs money: those in between are
/// counted in the next one.
const REFUSALS_EVERY: Duration = Duration::from_secs(60);

/// What is known of a delivery.
pub(crate) enum About {
    Nothing,
    Bytes(usize),
    Forgery { error: SignatureError, bytes: usize },
    Received(Received),
}

impl About {
    pub(crate) fn bytes(body: &Bytes) -> Self {
        Self::Bytes(body.len())
    }
}

pub(crate) struct Journal {
    audit: Option<Store>,
    metrics: Namespace,
    refusals: Mutex<Refusals>,
}

#[derive(Default)]
struct Refusals {
    written_at: Option<Instant>,
    unwritten: u64,
}

impl Journal {
    pub(crate) fn new(audit: Option<Store>, metrics: Namespace) -> Self {
        Self {
            audit,
            metrics,
            refusals: Mutex::default(),
        }
    }

    pub(crate) async fn tell(&self, answer: &Answer, about: &About, took: Duration) {
        log(answer, about);
        self.measure(answer, about, took);
        self.write_down(answer, about).await;
    }

    /// An authentic body that could not be read is in the quarantine.
    pub(crate) fn kept(&self) {
        self.metrics
            .emit(Line::default().metric("Quarantined", Unit::Count, 1));
    }

    fn measure(&self, answer: &Answer, about: &About, took: Duration) {
        let count = |holds: bool| u8::from(holds);
        let is_forged = matches!(about, About::Forgery { .. });
        let mut line = Line::default();
        // Spacelift always signs, so who does not is a stranger, whose failures are no sign that its webhook is about
        // to be switched off.
        if matches!(
            about,
            About::Forgery {
                error: SignatureError::Mismatch,
                ..
            }
        ) || !is_forged
        {
            line = line.metric("FailedDeliveries", Unit::Count, count(!answer.is_success()));
        }
        self.metrics.emit(
            line.dimension("Answer", answer.code())
                .dimension("Reason", reason_of(answer, about).unwrap_or("none"))
                .metric_by(
                    &[&["Answer"], &["Answer", "Reason"]],
                    "Deliveries",
                    Unit::Count,
                    1,
                )
                .metric("AuthenticDeliveries", Unit::Count, count(answer.is_authentic()))
                .metric("SignatureFailures", Unit::Count, count(is_forged))
                .metric("Buffered", Unit::Count, count(matches!(answer, Answer::Buffered)))
                .metric("LatencyMs", Unit::Milliseconds, took.as_secs_f64() * 1000.0),
        );
    }

    /// What is decided is decided, whether or not this works.
    async fn write_down(&self, answer: &Answer, about: &About) {
        let Some(store) = &self.audit else {
            return;
        };
        let Some(entry) = self.entry(answer, about) else {
            return;
        };
        let record = Record::unlinked(entry);
        let problem = match tokio::time::timeout(AUDIT_TIME_MAX, store.put_delivery(&record)).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => format!("{:#}", anyhow::Error::new(error)),
            Err(_) => format!("no answer within {} s", AUDIT_TIME_MAX.as_secs()),
        };
        self.metrics
            .emit(Line::default().metric("AuditFailures", Unit::Count, 1));
        error!("The audit log could not be written: {problem}");
    }

    /// `None` where it is left to the next record.
    fn entry(&self, answer: &Answer, about: &About) -> Option<Entry> {
        let action = match answer {
            Answer::Recorded(Recorded::Accepted { .. }) => Action::DeliveryAccepted,
            Answer::Recorded(Recorded::Duplicate { .. }) => Action::DeliveryDuplicate,
            Answer::Buffered => Action::DeliveryBuffered,
            Answer::Ignored { .. } => Action::DeliveryIgnored,
            Answer::Unreadable(_) | Answer::Incomplete { .. } => Action::DeliveryUnreadable,
            Answer::Unavailable => Action::DeliveryUnavailable,
            _ => Action::DeliveryRefused,
        };
        let mut entry = Entry::new(clock::now_ms(), "webhook", action);
        if action == Action::DeliveryRefused {
            entry.count = self.refusals_to_write()?;
        }
        if let About::Received(received) = about {
            received.identify(&mut entry);
        }
        let text = match (answer, about) {
            (Answer::Ignored { reason, .. }, _) => reason.clone(),
            (_, About::Forgery { error, .. }) => error.to_string(),
            // The reason of an unreadable body quotes the body.
            _ => String::new(),
        };
        entry.reason = reason_of(answer, about)
            .or(answer.reason())
            .map(|code| Reason::new(code, text));
        Some(entry)
    }

    fn refusals_to_write(&self) -> Option<u64> {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.unwritten += 1;
        let is_early = |written_at: Instant| written_at.elapsed() < REFUSALS_EVERY;
        if refusals.written_at.is_some_and(is_early) {
            return None;
        }
        refusals.written_at = Some(Instant::now());
        Some(std::mem::take(&mut refusals.unwritten))
    }
}

/// One of a few words.
fn reason_of<'a>(answer: &'a Answer, about: &About) -> Option<&'a str> {
    match (answer, about) {
        (Answer::Ignored { code, .. }, _) => Some(code),
        (_, About::Forgery { error, .. }) => Some(error.code()),
        (Answer::TooLarge | Answer::NotJson | Answer::Broken, _) => Some(answer.code()),
        _ => None,
    }
}

/// One line for each delivery. The reason of an unreadable body quotes the body, so it is not logged: the field is.
fn log(answer: &Answer, about: &About) {
    let (code, reason) = (answer.code(), answer.reason());
    match about {
        About::Received(Received::Event {
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
        About::Received(Received::RunEnded { account, ended }) => info!(
            delivery.answer = code,
            delivery.reason = reason,
            workflow.id = answer.workflow_id(),
            account = %account, stack.id = %ended.stack, run.id = %ended.run,
            "Run {} of `{}` is said to be over: {code}", ended.run, ended.stack
        ),
        About::Received(Received::Request { account, id, request }) => info!(
            delivery.answer = code,
            delivery.reason = reason,
            workflow.id = answer.workflow_id(),
            account = %account, stack.id = %request.stack, request.id = id,
            "A run of `{}` is asked for: {code}", request.stack
        ),
        About::Forgery { error, bytes } => warn!(
            delivery.answer = code,
            signature.reason = error.code(),
            body.bytes = bytes,
            "Refused a delivery: {error}"
        ),
        About::Bytes(bytes) if answer.is_success() => info!(
            delivery.answer = code,
            delivery.reason = reason,
            body.bytes = bytes,
            "A delivery is {code}"
        ),
        About::Bytes(_) | About::Nothing => {
            let bytes = match about {
                About::Bytes(bytes) => Some(bytes),
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
