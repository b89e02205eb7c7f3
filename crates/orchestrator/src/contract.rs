//! What crosses Temporal: inputs, outputs and signals of the workflows.
//!
//! Histories outlive deployments, so a field is only ever added, with a default, and never renamed. `version` says
//! which shape an input has; a worker that reads a newer one than it knows fails the workflow task and waits for
//! its successor.

use std::fmt;

use chain::{AccountName, Chain, CommitSha, Reason, Root, RunId, RunState, StackId, Walk};
use serde::{Deserialize, Serialize};

use crate::id::{ChainId, ExecutionId};
use crate::settings::Timing;

/// The shape of inputs that this version writes.
pub const VERSION: u32 = 1;

/// Input of `SpaceliftWebhookWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowInput {
    pub version: u32,
    pub account: AccountName,
    pub stack: StackId,
    pub subject: Subject,
    pub source: Source,
    pub timing: Timing,
}

/// What is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Subject {
    /// A run that exists.
    Run { run: RunId },
    /// A run that somebody asks for.
    Request { requested_by: Option<String> },
}

/// Who told us of it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Webhook,
    /// `trigger_stack_run`, which claimed the run that it made.
    Trigger,
    /// The sweep, which found that no webhook had come.
    Reconcile,
    /// A person with the command line.
    Operator,
}

/// Signal `claim_run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    pub execution: ExecutionId,
}

/// Output of `SpaceliftWebhookWorkflow`: the processed event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FollowOutcome {
    pub event: EventType,
    pub stack: StackId,
    pub run: Option<RunId>,
    pub state: Option<RunState>,
    pub handed_on: HandedOn,
}

/// The event types that end a followed run. `triggered` is what begins one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    Completed,
    Failed,
}

impl EventType {
    pub fn of(state: &RunState) -> Self {
        if state.succeeded() {
            Self::Completed
        } else {
            Self::Failed
        }
    }
}

/// Who learnt of the end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum HandedOn {
    /// The executions that own the run.
    Executions { executions: Vec<ExecutionId> },
    /// A chain, which this end of a run started.
    Chain { chain: ChainId },
    /// Nobody, for a reason.
    Nobody { reason: String },
}

/// Input of `StackDependencyChainWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChainInput {
    pub version: u32,
    pub id: ChainId,
    pub root: Root,
    pub timing: Timing,
    /// When the end of the root's run was heard of.
    #[serde(default)]
    pub heard_at_ms: Option<i64>,
    /// Where an earlier run of this workflow left off, when it continued as new.
    pub resume: Option<Box<Walk>>,
}

/// Output of the activity `fetch_dependent_stacks`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Planned {
    Chain { chain: Box<Chain> },
    Refused { reason: Reason },
}

/// Signal `control` of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Control {
    Pause { by: String },
    Resume { by: String },
    Cancel { by: String },
}

/// A run and its stack: as the signal `stack_has_run` of a chain, what an execution triggered or joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackRun {
    pub stack: StackId,
    pub run: RunId,
}

/// How a chain ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChainResult {
    Planning,
    Running,
    Paused,
    Succeeded,
    Failed,
    Refused,
    Cancelled,
}

impl fmt::Display for ChainResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Planning => "planning",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        })
    }
}

impl ChainResult {
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Refused | Self::Cancelled
        )
    }
}

/// Answer of the query `state`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChainReport {
    pub id: ChainId,
    pub result: ChainResult,
    /// Why it was refused.
    pub reason: Option<Reason>,
    /// Absent until it is planned.
    pub walk: Option<Walk>,
}

/// Output of `StackDependencyChainWorkflow`.
pub type ChainOutcome = ChainReport;

/// Input of `StackExecutionWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionInput {
    pub version: u32,
    pub id: ExecutionId,
    /// The chain that wants to know which run it is; none where the run was asked for.
    pub chain: Option<ChainId>,
    pub account: AccountName,
    pub stack: StackId,
    pub commit: Option<CommitSha>,
    /// When the end of the root's run was heard of, for a stack that waits for the root alone.
    #[serde(default)]
    pub heard_at_ms: Option<i64>,
    /// Upstream stacks outside the chain, whose runs under way are waited for.
    pub outside: Vec<StackId>,
    pub timing: Timing,
}

/// Signals `handle_completed_run` and `handle_failed_run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunOver {
    pub run: RunId,
    pub state: RunState,
}

/// Output of `StackExecutionWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionOutcome {
    pub result: ExecutionResult,
    pub run: Option<RunId>,
    /// A run that was there already was joined instead of a second one made.
    pub joined: bool,
}

/// Input of `ReconcileWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepInput {
    pub version: u32,
    /// Runs that were over before are not looked for.
    pub since_ms: i64,
    pub timing: Timing,
}

/// Output of `ReconcileWorkflow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepOutcome {
    /// How many stacks were looked at: those that others depend on.
    pub stacks: usize,
    /// The runs of which no webhook had told.
    pub recorded: Vec<StackRun>,
}

/// How one stack's execution ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum ExecutionResult {
    Succeeded,
    Failed {
        reason: Reason,
    },
    /// It was not to be run any more; nothing was triggered.
    Skipped {
        reason: Reason,
    },
}
