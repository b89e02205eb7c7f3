//! What the schedule is told, and what it decides.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ScheduleSettings;
use crate::attempt::{AttemptOutcome, AttemptRequest, Hold, RunFacts};
use crate::commit::ChosenBecause;
use crate::record::{ChainRecord, Change};
use crate::{Chain, ChainId, CommitSha, DependencyGraph, Reason, Refusal, Root, RunId, StackId};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A person asks for a run of a stack and of what depends on it.
    Requested {
        chain: ChainId,
        root: Root,
        by: Option<String>,
    },
    /// A tracked run is there that we did not know of.
    RunBegan { stack: StackId, run: RunId },
    /// What a run waits for, as a look at it found.
    RunMoved { stack: StackId, run: RunFacts },
    /// A run is over.
    RunEnded { stack: StackId, run: RunFacts },
    /// The listing that was asked for.
    Listed(Box<Listed>),
    /// An attempt at a stack ended.
    Attempted { stack: StackId, outcome: AttemptOutcome },
    /// A person steers a chain.
    Controlled {
        chain: ChainId,
        control: Control,
        by: String,
    },
    /// A person repaired a stack by hand: it counts as served for every cause that needs it.
    DoneByHand { stack: StackId, by: String },
    /// A person looked at what holds a stack: it is tried again at once, whatever the guard against loops says.
    Released { stack: StackId, by: String },
    /// Nothing is triggered any more.
    Halted { by: String },
    /// The halt is lifted.
    Resumed { by: String },
    /// The chain of this id cannot be told anything: it was ended by force.
    ChainGone { chain: ChainId },
    /// What is open, from Temporal and Spacelift: the schedule knows nothing yet.
    Rebuilt(Box<Rebuilt>),
}

/// Every stack of the account at one moment.
#[derive(Debug, Clone)]
pub struct Listed {
    pub graph: DependencyGraph,
    /// The ids of trigger policies: runs that name them were not made by a person.
    pub policies: Vec<String>,
    /// The settings of the worker that listed.
    pub settings: ScheduleSettings,
}

/// What a schedule that was lost has to know again.
#[derive(Debug, Clone, Default)]
pub struct Rebuilt {
    pub chains: Vec<ChainRecord>,
    /// Stacks at which an attempt is under way.
    pub attempts: Vec<StackId>,
    /// Tracked runs that are not over, with their stacks, and those that are over and that a chain takes for running.
    pub runs: Vec<(StackId, RunFacts)>,
    pub halted_by: Option<String>,
    /// The schedule before ended by itself, with nothing open: there is no doubt about runs of our own.
    pub clean: bool,
    pub now_s: i64,
}

/// What a person may want of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// Nothing new starts until the chain is resumed.
    Pause,
    Resume,
    /// What has no run yet is skipped.
    Cancel,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", content = "of", rename_all = "snake_case")]
pub enum Effect {
    /// Find out what is open.
    Rebuild,
    /// List the account's stacks.
    List,
    /// Look at a stack, and run it.
    Attempt(AttemptRequest),
    /// Look at what a run does: the answer is [`Event::RunMoved`] or [`Event::RunEnded`].
    Look { stack: StackId, run: RunId },
    /// Begin the record of a chain. If there was one before, the answer is [`Event::ChainGone`], and the chain runs nothing:
    /// nothing is tried for it before the next decision.
    Open(Box<Opening>),
    /// Write down what was decided.
    Log(Decision),
}

/// The beginning of a chain's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    pub chain: ChainId,
    pub root: Root,
    pub by: Option<String>,
    pub plan: Result<Chain, Refusal>,
}

/// One decision, as it is logged: the tests of the laws read these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// The schedule learnt of a cause.
    Cause {
        chain: ChainId,
        stack: StackId,
        run: Option<RunId>,
    },
    /// Nothing depends on the root.
    NothingToDo {
        chain: ChainId,
        stack: StackId,
    },
    Planned {
        chain: ChainId,
        stacks: usize,
    },
    Refused {
        chain: ChainId,
        code: String,
        reason: String,
    },
    /// A run is about to be made for these chains.
    Attempt {
        stack: StackId,
        chains: Vec<ChainId>,
    },
    /// There is a run for these chains.
    Triggered {
        stack: StackId,
        run: RunId,
        made: bool,
        chains: Vec<ChainId>,
        commit: Option<CommitSha>,
        why: Option<ChosenBecause>,
    },
    Held {
        stack: StackId,
        hold: Hold,
    },
    /// What became of a stack in a chain.
    Changed {
        chain: ChainId,
        change: Change,
    },
    /// A run of our key that nobody remembers making: no root.
    NotARoot {
        stack: StackId,
        run: RunId,
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
    Rebuilt {
        chains: usize,
    },
    /// A cause that the schedule cannot go on with.
    Quarantined {
        chain: ChainId,
        why: String,
    },
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cause { chain, stack, .. } => write!(f, "`{stack}` is the root of {chain}"),
            Self::NothingToDo { stack, .. } => write!(f, "Nothing depends on `{stack}`"),
            Self::Planned { chain, stacks } => write!(f, "{chain} has {stacks} stacks"),
            Self::Refused { chain, reason, .. } => write!(f, "{chain} is refused: {reason}"),
            Self::Attempt { stack, chains } => write!(f, "Trying `{stack}` for {} chains", chains.len()),
            Self::Triggered {
                stack,
                run,
                made,
                commit,
                why,
                ..
            } => {
                let verb = if *made { "Triggered" } else { "Found" };
                write!(f, "{verb} run {run} of `{stack}`")?;
                if let Some(commit) = commit {
                    write!(f, " on {}", commit.short())?;
                }
                why.as_ref().map_or(Ok(()), |why| write!(f, ": {why}"))
            }
            Self::Held { stack, hold } => write!(f, "`{stack}` waits: {}", hold.text),
            Self::Changed { chain, change } => write!(f, "{chain}: {change}"),
            Self::NotARoot { stack, run } => write!(
                f,
                "Run {run} of `{stack}` was made with our own key, and nobody remembers making it: it starts no chain"
            ),
            Self::DoneByHand { stack, by } => write!(f, "`{stack}` counts as served, says {by}"),
            Self::Released { stack, by } => write!(f, "`{stack}` is tried at once, says {by}"),
            Self::Halted { by } => write!(f, "Halted by {by}: nothing is triggered"),
            Self::Resumed { by } => write!(f, "The halt is lifted by {by}"),
            Self::Rebuilt { chains } => write!(f, "Rebuilt, with {chains} open chains"),
            Self::Quarantined { chain, why } => write!(f, "{chain} cannot go on: {why}"),
        }
    }
}

/// Why a stack that a cause needs was not run, or not well.
pub(super) fn reason(code: &str, text: impl Into<String>) -> Reason {
    Reason::new(code, text)
}
