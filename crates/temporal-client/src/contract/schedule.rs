//! `StackScheduleWorkflow`: decides alone what runs in an account.

use std::collections::BTreeMap;
use std::fmt;

use audit::Record;
use chain::schedule::Control;
use chain::{
    AccountName, AttemptOutcome, ChainId, ChainRecord, Root, RunChanges, RunFacts, RunId, Schedule,
    ScheduleSettings, StackFacts, StackId,
};
use serde::{Deserialize, Serialize};

use super::{RunRef, RunStop};
use settings::Timing;

/// Input of `StackScheduleWorkflow`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScheduleInput {
    pub version: u32,
    pub account: AccountName,
    pub settings: ScheduleSettings,
    pub timing: Timing,
    /// The state of an earlier history.
    #[serde(default)]
    pub resume: Option<Box<Schedule>>,
    /// Messages that an earlier history received and did not process.
    #[serde(default)]
    pub untaken: Vec<ScheduleMessage>,
    /// Whether chains write audit logs: whether the worker of the last listing has an audit log.
    #[serde(default)]
    pub audited: bool,
    /// Whether messages about chains are sent: whether the worker of the last listing has sinks.
    #[serde(default)]
    pub notified: bool,
    /// Orders of people that an earlier history did not write to the audit log.
    #[serde(default)]
    pub orders: Vec<Record>,
    /// Runs that an earlier history did not end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<RunStop>,
    /// Runs that an earlier history did not look up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub looks: Vec<RunRef>,
}

/// Signal `tell`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum ScheduleMessage {
    /// A request to run a stack and its dependents, or to run stacks of a chain again.
    Requested {
        chain: ChainId,
        root: Root,
        #[serde(default)]
        by: Option<String>,
        /// For a retry of a chain: only these stacks run.
        #[serde(default)]
        only: Option<Vec<StackId>>,
    },
    /// A tracked run exists.
    RunBegan {
        stack: StackId,
        run: RunId,
    },
    /// A run that is not over was looked up.
    RunMoved {
        stack: StackId,
        run: RunFacts,
    },
    RunEnded {
        stack: StackId,
        run: RunFacts,
    },
    /// An order that the chain has recorded.
    Controlled {
        chain: ChainId,
        control: Control,
        by: String,
        /// Why, as the person said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    DoneByHand {
        stack: StackId,
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    Released {
        stack: StackId,
        by: String,
    },
    Halted {
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    Resumed {
        by: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The sweep found an open chain that the schedule may not know, with the runs that its record says are running. It is
    /// sent again if a person gave the chain an order in the meantime.
    ChainFound {
        record: Box<ChainRecord>,
        runs: Vec<(StackId, RunFacts)>,
    },
    /// The sweep found an open attempt that the schedule does not know.
    AttemptFound {
        stack: StackId,
    },
    /// The sweep found that an attempt that the schedule waits for is over.
    AttemptLost {
        stack: StackId,
    },
    Thawed {
        by: String,
    },
    /// The sweep found that the account is not halted any more.
    HaltGone,
    /// A person wants the schedule to be rebuilt.
    Rebuild,
    /// No event: starts the schedule if needed, which then looks for open work.
    Wake,
}

/// Input of the activity `fetch_dependent_stacks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRequest {
    pub account: AccountName,
    /// The roots for which the listing is, with their runs.
    #[serde(default)]
    pub roots: Vec<RunRef>,
}

/// Output of the activity `fetch_dependent_stacks`: all stacks, with the labels that matter.
#[derive(Clone, Serialize, Deserialize)]
pub struct ListedStacks {
    pub stacks: Vec<StackFacts>,
    /// The ids of trigger policies.
    #[serde(default)]
    pub policies: Vec<String>,
    pub settings: ScheduleSettings,
    #[serde(default)]
    pub audited: bool,
    #[serde(default)]
    pub notified: bool,
    /// What the runs of roots changed, if a label of the root asks for it.
    #[serde(default)]
    pub changes: BTreeMap<RunId, RunChanges>,
}

impl fmt::Debug for ListedStacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ListedStacks of {} stacks", self.stacks.len())
    }
}

/// Input of the activity `find_open_work`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenWorkRequest {
    pub account: AccountName,
    /// The workflow run id of the schedule that asks. Its predecessor shows whether something was lost.
    pub asked_by: String,
    /// The state of the schedule was discarded, however its predecessor ended.
    #[serde(default)]
    pub lost: bool,
    /// Runs whose end the schedule has heard of and takes in next.
    #[serde(default)]
    pub reported: Vec<RunId>,
}

/// Output of the activity `find_open_work`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenWork {
    /// The records of the open chains.
    pub chains: Vec<ChainRecord>,
    /// Open chains whose records would make this too large: `read_open_chains` returns them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread_chains: Vec<ChainId>,
    /// Stacks with an open execution.
    pub executions: Vec<StackId>,
    /// Outcomes of executions that ended shortly before the schedule was lost.
    #[serde(default)]
    pub ended_executions: Vec<(StackId, AttemptOutcome)>,
    /// What the lost schedule had received and nothing records: causes that it had not planned, and what it had not read. The
    /// oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<ScheduleMessage>,
    /// Tracked runs that are not over, and runs that are over although a chain's record says that they are running.
    pub runs: Vec<(StackId, RunFacts)>,
    #[serde(default)]
    pub halted_by: Option<String>,
    #[serde(default)]
    pub halt_reason: Option<String>,
    /// Recent runs of another Spillway that the lost schedule knew. The oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<(StackId, RunFacts)>,
    /// Until when a person knows about what another Spillway did, in seconds since 1970.
    #[serde(default)]
    pub conflict_excused_s: i64,
    /// The previous schedule ended by itself.
    pub clean: bool,
    pub now_s: i64,
    pub settings: ScheduleSettings,
}

/// Output of the activity `read_open_chains`, whose input is the chains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenChains {
    pub records: Vec<ChainRecord>,
    /// The chains whose records would make this too large.
    pub unread: Vec<ChainId>,
}
