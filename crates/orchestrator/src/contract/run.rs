//! `SpaceliftWebhookWorkflow`: one run of Spacelift to its end, or one request for a run.

use chain::{AccountName, ChainId, RunFacts, RunId, RunRequest, RunState, StackId};
use serde::{Deserialize, Serialize};

use super::Source;
use crate::settings::Timing;

/// Input of `SpaceliftWebhookWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowInput {
    pub version: u32,
    pub account: AccountName,
    pub stack: StackId,
    pub subject: Subject,
    pub source: Source,
    pub timing: Timing,
    /// How often the run was looked at, where an earlier history did.
    #[serde(default)]
    pub looks: u32,
    /// The state that the schedule was told last.
    #[serde(default)]
    pub told: Option<RunState>,
}

/// What is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    /// A run that exists.
    Run { run: RunId },
    /// A run that somebody asks for.
    Request { id: String, request: RunRequest },
}

/// Output of `SpaceliftWebhookWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowOutcome {
    pub stack: StackId,
    #[serde(default)]
    pub run: Option<RunId>,
    #[serde(default)]
    pub state: Option<RunState>,
    pub result: FollowResult,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum FollowResult {
    /// The schedule was told of the end of the run.
    Told,
    /// The schedule was told of the request, whose chain has this id.
    Requested {
        chain: ChainId,
        #[serde(default)]
        by: Option<String>,
    },
    /// Nothing follows, for this reason.
    Ignored { reason: String },
}

/// A run and its stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRef {
    pub stack: StackId,
    pub run: RunId,
}

/// What the activity `look_at_run` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLookRequest {
    pub account: AccountName,
    pub stack: StackId,
    pub run: RunId,
    /// The state that the schedule was told last.
    #[serde(default)]
    pub told: Option<RunState>,
}

/// What the activity `look_at_run` found, and has told the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "look", rename_all = "snake_case")]
pub enum RunLook {
    Run {
        facts: Box<RunFacts>,
    },
    /// Spacelift knows no such run, or does not show it to our key.
    Unknown,
    /// Our key belongs to another account.
    OtherAccount {
        ours: AccountName,
    },
}
