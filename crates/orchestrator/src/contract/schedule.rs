//! `StackScheduleWorkflow`: the one place that decides what runs in an account.

use std::fmt;

use chain::schedule::Control;
use chain::{
    AccountName, ChainId, ChainRecord, Root, RunFacts, RunId, Schedule, ScheduleSettings, StackFacts, StackId,
};
use serde::{Deserialize, Serialize};

use crate::settings::Timing;

/// Input of `StackScheduleWorkflow`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ScheduleInput {
    pub version: u32,
    pub account: AccountName,
    pub settings: ScheduleSettings,
    pub timing: Timing,
    /// Where an earlier history left off.
    #[serde(default)]
    pub resume: Option<Box<Schedule>>,
    /// What an earlier history was told and had not taken in.
    #[serde(default)]
    pub untaken: Vec<ScheduleMessage>,
    /// Whether chains write audit logs: the worker that listed last has a place for them.
    #[serde(default)]
    pub audited: bool,
}

/// Signal `tell`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum ScheduleMessage {
    /// Somebody wants a stack, and what depends on it, to run.
    Requested {
        chain: ChainId,
        root: Root,
        #[serde(default)]
        by: Option<String>,
    },
    /// There is a tracked run.
    RunBegan {
        stack: StackId,
        run: RunId,
    },
    /// A run that is not over was looked at.
    RunMoved {
        stack: StackId,
        run: RunFacts,
    },
    RunEnded {
        stack: StackId,
        run: RunFacts,
    },
    Controlled {
        chain: ChainId,
        control: Control,
        by: String,
    },
    DoneByHand {
        stack: StackId,
        by: String,
    },
    Released {
        stack: StackId,
        by: String,
    },
    Halted {
        by: String,
    },
    Resumed {
        by: String,
    },
    /// A person wants the schedule to be made anew.
    Rebuild,
    /// Nothing happened; the schedule is to be there, and to look at what is open.
    Wake,
}

/// What the activity `fetch_dependent_stacks` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRequest {
    pub account: AccountName,
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
}

impl fmt::Debug for ListedStacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ListedStacks of {} stacks", self.stacks.len())
    }
}

/// What the activity `find_open_work` takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenWorkRequest {
    pub account: AccountName,
    /// The schedule that asks, by its workflow run id: the one before it tells whether something was lost.
    pub asked_by: String,
    /// What the schedule knew was thrown away, whatever became of the one before.
    #[serde(default)]
    pub lost: bool,
}

/// Output of the activity `find_open_work`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenWork {
    /// The records of the chains that are open.
    pub chains: Vec<ChainRecord>,
    /// Stacks whose executions are under way.
    pub executions: Vec<StackId>,
    /// Tracked runs that are not over, and those that are over though a chain takes them for running.
    pub runs: Vec<(StackId, RunFacts)>,
    #[serde(default)]
    pub halted_by: Option<String>,
    /// The schedule before ended by itself.
    pub clean: bool,
    pub now_s: i64,
    pub settings: ScheduleSettings,
}
