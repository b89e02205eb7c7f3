//! What crosses Temporal: inputs, outputs and signals of the workflows.
//!
//! Histories outlive deployments, so a field is only ever added, with a default, and never renamed. `version` says
//! which shape an input has: what a workflow does since a later one, it does not do in a history that began before.

use std::collections::VecDeque;
use std::fmt;

use audit::{Entry, Record, Trail};
use chain::{
    AccountName, Chain, CommitSha, Reason, Root, RunEvent, RunId, RunRequest, RunState, StackId, Walk,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock;
use crate::id::{ChainId, ExecutionId};
use crate::settings::Timing;

/// The shape of inputs that this version writes. Since 2 an execution tells its chain what its run waits for.
pub const VERSION: u32 = 2;

/// What the webhook records, in Temporal or, while Temporal is away, in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Heard {
    /// A run changed its state.
    Event(HeardEvent),
    /// Somebody wants a run. With its id, telling it twice asks for one run.
    Request {
        account: AccountName,
        id: String,
        request: RunRequest,
    },
}

impl Heard {
    /// An event that came just now.
    pub fn event(event: Box<RunEvent>) -> Self {
        Self::Event(HeardEvent {
            event,
            heard_at_ms: Some(clock::now_ms()),
        })
    }

    /// A request, with an id of its own where who asks gave none.
    pub fn request(account: AccountName, request: RunRequest) -> Self {
        let id = request
            .request_id
            .as_ref()
            .map_or_else(|| Uuid::new_v4().to_string(), ToString::to_string);
        Self::Request { account, id, request }
    }

    /// Says in the audit log what it is about.
    pub fn identify(&self, entry: &mut Entry) {
        match self {
            Self::Event(heard) => {
                let event = &heard.event;
                entry.account = Some(event.account.clone());
                entry.stack = Some(event.stack.clone());
                entry.run = Some(event.run.clone());
                entry.commit.clone_from(&event.commit);
            }
            Self::Request { account, request, .. } => {
                entry.account = Some(account.clone());
                entry.stack = Some(request.stack.clone());
            }
        }
    }
}

/// Signal `record_event`: an event, and when it was heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardEvent {
    #[serde(flatten)]
    pub event: Box<RunEvent>,
    /// When the webhook was called.
    #[serde(default)]
    pub heard_at_ms: Option<i64>,
}

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
    /// The queue, where it waited while Temporal was away.
    Queue,
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
    /// Who triggered the root's run, as Spacelift names them.
    #[serde(default)]
    pub started_by: Option<String>,
    /// The audit log of the history before, if it wrote one.
    #[serde(default)]
    pub audit: Option<ChainAudit>,
}

/// The audit log of a chain.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChainAudit {
    /// Where the next record goes.
    pub trail: Trail,
    /// What is not known to be written yet. Each batch is written as one, whole, however often it is tried.
    pub unwritten: VecDeque<Vec<Record>>,
}

/// Output of the activity `fetch_dependent_stacks`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fetched {
    #[serde(flatten)]
    pub planned: Planned,
    /// Whether the chain writes an audit log: the worker that planned it has a place for one.
    #[serde(default)]
    pub audited: bool,
}

/// What came of planning a chain.
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

/// A run and its stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackRun {
    pub stack: StackId,
    pub run: RunId,
}

/// Signal `stack_has_run` of a chain: what an execution triggered or joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackBegan {
    pub stack: StackId,
    pub run: RunId,
    #[serde(default)]
    pub joined: bool,
    /// What the run waits for, such as a confirmation.
    #[serde(default)]
    pub waits_for: Option<String>,
}

/// Signal `stack_ended` of a chain: how an execution ended that an earlier history of the chain began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackEnded {
    pub stack: StackId,
    pub outcome: ExecutionOutcome,
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
    /// The commit that it ran.
    #[serde(default)]
    pub commit: Option<CommitSha>,
}

/// Output of `StackExecutionWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionOutcome {
    pub result: ExecutionResult,
    pub run: Option<RunId>,
    /// A run that was there already was joined instead of a second one made.
    pub joined: bool,
    /// The commit that the run ran.
    #[serde(default)]
    pub commit: Option<CommitSha>,
}

impl ExecutionOutcome {
    /// It ended without a run that is known.
    pub fn without_run(result: ExecutionResult) -> Self {
        Self {
            result,
            run: None,
            joined: false,
            commit: None,
        }
    }
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
