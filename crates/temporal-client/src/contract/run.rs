//! `SpaceliftWebhookWorkflow`: follows one Spacelift run to its end, or handles one request.

use chain::follow::IgnoredBecause;
use chain::retry::RetryScope;
use chain::{AccountName, ChainId, Reason, RunFacts, RunId, RunRequest, RunState, StackId};
use serde::{Deserialize, Serialize};

use super::Source;
use settings::Timing;

/// Input of `SpaceliftWebhookWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowInput {
    pub version: u32,
    pub account: AccountName,
    pub stack: StackId,
    pub subject: Subject,
    pub source: Source,
    pub timing: Timing,
    /// How often the run was looked up by earlier histories.
    #[serde(default)]
    pub looks: u32,
    /// The last state that was reported to the schedule.
    #[serde(default, rename = "told")]
    pub reported: Option<RunState>,
    /// Since when Spacelift has not shown the run, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown_since_ms: Option<i64>,
    /// Our own key triggered the run, according to the attempt that started this workflow or to the last look.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ours: bool,
}

/// The subject of the workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    /// A run that exists.
    Run { run: RunId },
    /// A request for a run.
    Request { id: String, request: RunRequest },
    /// A request to run stacks of a chain again.
    Retry { retry: RetryRequest },
}

/// A request to run some stacks of a chain that is over again, in a new chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRequest {
    pub account: AccountName,
    /// The new chain.
    pub chain: ChainId,
    /// The chain that is over.
    pub of: ChainId,
    pub scope: RetryScope,
    #[serde(default)]
    pub by: Option<String>,
    /// Why, as the person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
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

/// The result of the workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum FollowResult {
    /// The end of the run was reported to the schedule.
    #[serde(rename = "told")]
    Reported,
    /// The request was passed to the schedule. Its chain has this id.
    Requested {
        chain: ChainId,
        #[serde(default)]
        by: Option<String>,
        /// The request, if it was a retry.
        #[serde(default)]
        retry: Option<RetryRequest>,
        /// The stacks that depend on this one also run its commit if it is older.
        #[serde(default)]
        follow: bool,
    },
    /// It needs no action, for this reason.
    Ignored { reason: IgnoredBecause },
}

/// A run and its stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRef {
    pub stack: StackId,
    pub run: RunId,
}

/// Input of the activity `request_stack_run`: a request for a run, to be passed to the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequested {
    pub account: AccountName,
    pub chain: ChainId,
    pub request: RunRequest,
}

/// Input of the activity `look_at_run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLookRequest {
    pub account: AccountName,
    pub stack: StackId,
    pub run: RunId,
    /// The last state that was reported to the schedule.
    #[serde(default, rename = "told")]
    pub reported: Option<RunState>,
    /// The metadata of those who triggered and confirmed the run, from a webhook.
    #[serde(default)]
    pub metadata: Vec<String>,
    /// When a webhook reported the latest state, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at_ms: Option<i64>,
    /// If Spacelift does not show the run, it is reported as over.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub give_up: bool,
    /// A webhook or a person reported the run, perhaps days ago and now again. The sweep and the schedule do not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reported_from_outside: bool,
}

/// Input of the activity `stop_run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunStop {
    pub account: AccountName,
    pub stack: StackId,
    pub run: RunId,
    pub why: Reason,
}

/// What the activity `look_at_run` found and reported to the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "look", rename_all = "snake_case")]
pub enum RunLook {
    Run {
        facts: Box<RunFacts>,
    },
    /// Spacelift knows no such run, or our key may not see it.
    Unknown,
    /// Our key belongs to another account.
    OtherAccount {
        ours: AccountName,
    },
    /// The run ended more than a day before it was reported. The schedule was not signalled.
    Late,
}
