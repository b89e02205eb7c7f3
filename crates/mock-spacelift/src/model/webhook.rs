//! Webhooks: where the account sends deliveries, and when it stops.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chain::{RunId, RunState, SpaceId, StackId};

use crate::model::clock::Timestamp;

/// After this many failed deliveries in a row, the webhook is disabled.
const FAILURES_MAX: u32 = 10;

/// Identifies a webhook of the account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WebhookKey {
    Stack { stack: StackId, id: String },
    Named(String),
    AuditTrail,
}

impl fmt::Display for WebhookKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack { stack, id } => write!(f, "webhook {id} of stack {stack}"),
            Self::Named(id) => write!(f, "named webhook {id}"),
            Self::AuditTrail => f.write_str("audit trail webhook"),
        }
    }
}

/// The URL of a webhook, its secret, and its recent failures.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub url: String,
    pub secret: String,
    pub enabled: bool,
    pub retry_on_failure: bool,
    pub failures: u32,
}

impl Target {
    pub(crate) fn new(url: &str, secret: &str) -> Self {
        Self {
            url: url.to_owned(),
            secret: secret.to_owned(),
            enabled: true,
            retry_on_failure: false,
            failures: 0,
        }
    }

    /// Records the result of a delivery after its retries.
    pub(crate) fn delivered(&mut self, succeeded: bool) {
        if succeeded {
            self.failures = 0;
        } else {
            self.failures += 1;
            if self.failures >= FAILURES_MAX {
                self.enabled = false;
            }
        }
    }
}

/// A stack's own webhook: every transition of every run, with the default payload.
#[derive(Debug, Clone)]
pub(crate) struct StackWebhook {
    pub id: String,
    pub target: Target,
}

/// A webhook of a space, which receives what notification policies send it.
#[derive(Debug, Clone)]
pub(crate) struct NamedWebhook {
    pub id: String,
    pub name: String,
    pub space: SpaceId,
    pub labels: Vec<String>,
    pub target: Target,
    pub headers: BTreeMap<String, String>,
    pub created_at: Timestamp,
}

/// A webhook of all stacks, to be added by a test.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    pub(crate) target: Target,
}

impl NewWebhook {
    /// A webhook on every stack, also on those that are added later.
    pub fn on_every_stack(url: impl AsRef<str>, secret: impl AsRef<str>) -> Self {
        Self {
            target: Target::new(url.as_ref(), secret.as_ref()),
        }
    }

    /// Retries, at most three times, after a 5xx.
    #[must_use]
    pub fn retrying(mut self) -> Self {
        self.target.retry_on_failure = true;
        self
    }
}

/// A delivery to send.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub webhook: WebhookKey,
    pub url: String,
    pub secret: String,
    pub retry_on_failure: bool,
    pub method: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// The delay before it is sent, independent of the order of the others.
    pub late_by: Duration,
    /// The transition that it reports; `None` for the audit trail.
    pub about: Option<DeliveredTransition>,
}

/// The transition that a delivery reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredTransition {
    pub stack: StackId,
    pub run: RunId,
    pub state: RunState,
    pub state_version: u32,
}

impl Outgoing {
    pub(crate) fn new(
        webhook: WebhookKey,
        target: &Target,
        body: Vec<u8>,
        about: Option<DeliveredTransition>,
    ) -> Self {
        Self {
            webhook,
            url: target.url.clone(),
            secret: target.secret.clone(),
            retry_on_failure: target.retry_on_failure,
            method: "POST".to_owned(),
            headers: BTreeMap::new(),
            body,
            late_by: Duration::ZERO,
            about,
        }
    }
}
