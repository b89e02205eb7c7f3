//! What an authentic delivery says: a run changed its state, a run is requested, or nothing that concerns us.
//!
//! The keys of the body decide its kind; the parsers are never tried in turn. The body must then be completely valid
//! for that kind. Unknown fields are ignored, so only the fields that are read can be wrong.

mod default;
mod json;
mod policy;
mod relevance;
mod request;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use json::{
    KNOWN_EVENTS, MAX_BODY_BYTES, MAX_DEPTH, MAX_METADATA_ENTRIES, MAX_TEXT_BYTES, UnreadableBody,
};
pub use relevance::{
    EVENT_AGE_MAX, EVENT_AHEAD_MAX, IrrelevantEvent, is_other_account, why_irrelevant, why_replayable,
};
pub use request::{EndEvent, EndedRun, REQUEST_AGE_MAX, ReplayableRequest, RunRequest, SignedRequest};

use crate::{AccountName, CommitSha, RunId, RunState, RunType, SpaceId, StackId};

/// The content of an authentic body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// A run changed its state.
    Run(Box<RunEvent>),
    /// A request to run a stack and its chain.
    Request(SignedRequest),
    /// A report that a run ended.
    RunEnded(EndedRun),
    /// Understood, but irrelevant to us.
    Ignored(Ignored),
}

/// One state change of one run, from either kind of body.
///
/// It is recorded in Temporal: fields can be added with `#[serde(default)]`, but never renamed or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunEvent {
    pub account: AccountName,
    pub run: RunId,
    pub stack: StackId,
    pub stack_name: String,
    /// Only the input of a notification policy has it.
    #[serde(default)]
    pub space: Option<SpaceId>,
    pub state: RunState,
    /// The ordinal of the state in the run. Only the default event has it.
    #[serde(default)]
    pub state_version: Option<u64>,
    pub run_type: RunType,
    #[serde(default)]
    pub drift_detection: bool,
    pub branch: String,
    #[serde(default)]
    pub commit: Option<CommitSha>,
    /// When the run entered this state, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// `None` after a push: nobody triggered the run.
    #[serde(default)]
    pub triggered_by: Option<String>,
    #[serde(default)]
    pub delta: Option<Delta>,
    /// What those who triggered and confirmed the run said about it. Only the input of a notification policy has it.
    ///
    /// Anyone who can trigger runs can write it, so it is a hint and not a proof.
    #[serde(default)]
    pub metadata: Vec<String>,
}

impl RunEvent {
    /// Whether this event is newer than `older`, an event of the same run.
    ///
    /// Deliveries arrive in any order. A finished run stays finished. Otherwise the ordinal of the state decides if
    /// both events have one, and the time if not.
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

/// What a run changed, or would change, in the stack's resources.
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

/// Why an authentic body is accepted without any effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Ignored {
    /// An entry of the audit trail.
    AuditTrail,
    /// Spacelift reports an error of its own or of a policy.
    InternalError,
    /// A version or a test run of a module, which is not a stack.
    ModuleVersion,
    /// A kind that this version does not know.
    Unknown,
}

impl Ignored {
    /// One word for answers, logs and metrics.
    pub fn code(&self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AuditTrail => "an entry of the audit trail",
            Self::InternalError => "an internal error that Spacelift reports",
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
