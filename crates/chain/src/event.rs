//! What an authentic delivery says: a run changed, a run is asked for, or nothing for us.
//!
//! The kinds are told apart by the keys that the body has, never by trying one after another; then the one
//! that it is must be read whole. What Spacelift adds later is passed over. Only the fields that are read can
//! be wrong.

mod default;
mod json;
mod policy;
mod relevance;
mod request;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use json::{MAX_BODY_BYTES, MAX_DEPTH, MAX_METADATA_ENTRIES, MAX_TEXT_BYTES, UnreadableBody};
pub use relevance::{EVENT_AGE_MAX, EVENT_AHEAD_MAX, IrrelevantEvent, is_other_account, why_irrelevant};
pub use request::{EndEvent, EndedRun, KNOWN_EVENTS, RunRequest};

use crate::{AccountName, CommitSha, RunId, RunState, RunType, SpaceId, StackId};

/// What an authentic body turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A run changed its state.
    Run(Box<RunEvent>),
    /// Someone asks for a run of a stack and its chain.
    Request(RunRequest),
    /// Someone says that a run is over.
    RunEnded(EndedRun),
    /// Understood, and not ours to act on.
    Ignored(Ignored),
}

/// One change of one run, from whichever body told of it.
///
/// It is recorded in Temporal: fields may be added with `#[serde(default)]`, never renamed or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunEvent {
    pub account: AccountName,
    pub run: RunId,
    pub stack: StackId,
    pub stack_name: String,
    /// Only the notification policy's input says it.
    #[serde(default)]
    pub space: Option<SpaceId>,
    pub state: RunState,
    /// The ordinal of the state in the run. Only the default event says it.
    #[serde(default)]
    pub state_version: Option<u64>,
    pub run_type: RunType,
    #[serde(default)]
    pub drift_detection: bool,
    pub branch: String,
    #[serde(default)]
    pub commit: Option<CommitSha>,
    /// When the run came into this state, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// `None` after a push: nobody asked for the run.
    #[serde(default)]
    pub triggered_by: Option<String>,
    #[serde(default)]
    pub delta: Option<Delta>,
    /// What those who triggered and confirmed the run said about it. Only the notification policy's input has
    /// it.
    ///
    /// Anyone who may trigger runs can write it: it is a hint, not a proof.
    #[serde(default)]
    pub metadata: Vec<String>,
}

impl RunEvent {
    /// Whether this event says something newer about the same run than `older` does.
    ///
    /// Deliveries come in any order. A run that is over stays over; else the ordinal of the state decides
    /// where both events have one, and the time where they do not.
    pub fn supersedes(&self, older: &Self) -> bool {
        if self.state.is_terminal() != older.state.is_terminal() {
            return self.state.is_terminal();
        }
        match (self.state_version, older.state_version) {
            (Some(newer), Some(older)) => newer > older,
            _ => self.timestamp_ms > older.timestamp_ms,
        }
    }
}

/// What a run did, or would do, to the stack's resources.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delta {
    #[serde(default)]
    pub added: u64,
    #[serde(default)]
    pub changed: u64,
    #[serde(default)]
    pub deleted: u64,
    #[serde(default)]
    pub resources: u64,
}

/// Why an authentic body is answered with thanks, and nothing is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ignored {
    /// An entry of the audit trail.
    AuditTrail,
    /// Spacelift tells of an error of its own, or of a policy.
    InternalError,
    /// A version or a test run of a module, which has no stack.
    ModuleVersion,
    /// Nothing that this version knows.
    Unknown,
}

impl Ignored {
    /// One word for answers, logs and metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AuditTrail => "audit_trail",
            Self::InternalError => "internal_error",
            Self::ModuleVersion => "module_version",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AuditTrail => "an entry of the audit trail",
            Self::InternalError => "an internal error that Spacelift tells of",
            Self::ModuleVersion => "about a module, not a stack",
            Self::Unknown => "no kind of event that this version knows",
        })
    }
}

/// Reads an authentic body.
///
/// | the body has | it is |
/// |---|---|
/// | `run_updated` | the notification policy's input about a run |
/// | `module_version`, or `module` and no `stack` | about a module: ignored |
/// | `internal_error`, or `severity` and `title` | an internal error: ignored |
/// | `action` | an entry of the audit trail: ignored |
/// | `event` and `stack_id`, or the event `triggered` | a request of one's own |
/// | `run` | the default event of a run |
/// | none of these | unknown: ignored |
///
/// The first line that fits decides. A key whose value is null counts as absent.
pub fn parse(body: &[u8]) -> Result<Delivery, UnreadableBody> {
    let text = json::text(body)?;
    let keys: json::Keys = text.read()?;
    if keys.run_updated.is_some() {
        return policy::read(&text);
    }
    if keys.module_version.is_some() || (keys.module.is_some() && keys.stack.is_none()) {
        return Ok(Delivery::Ignored(Ignored::ModuleVersion));
    }
    if keys.internal_error.is_some() || (keys.severity.is_some() && keys.title.is_some()) {
        return Ok(Delivery::Ignored(Ignored::InternalError));
    }
    if keys.action.is_some() {
        return Ok(Delivery::Ignored(Ignored::AuditTrail));
    }
    if keys.asks_for_a_run() {
        return request::read(&text);
    }
    if keys.run.is_some() {
        return default::read(&text).map(|event| Delivery::Run(Box::new(event)));
    }
    Ok(Delivery::Ignored(Ignored::Unknown))
}
