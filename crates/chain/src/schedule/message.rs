//! The events that the schedule takes, and the effects and decisions that it returns.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::ScheduleSettings;
use super::control::Control;
use crate::attempt::{AttemptOutcome, AttemptRequest, Hold, RunFacts};
use crate::commit::ChosenBecause;
use crate::reason::with_reason;
use crate::record::{ChainRecord, Change};
use crate::{Chain, ChainId, CommitSha, DependencyGraph, Reason, Refusal, Root, RunChanges, RunId, StackId};

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A person requests a run of a stack and its dependents.
    Requested {
        chain: ChainId,
        root: Root,
        by: Option<String>,
        /// For the retry of a chain: only these stacks run.
        only: Option<Vec<StackId>>,
    },
    /// A tracked run exists that we did not know about.
    RunBegan { stack: StackId, run: RunId },
    /// What a run waits for, according to a look at it.
    RunMoved { stack: StackId, run: RunFacts },
    /// A run ended.
    RunEnded { stack: StackId, run: RunFacts },
    /// The requested listing.
    Listed(Box<Listed>),
    /// An attempt at a stack ended.
    Attempted { stack: StackId, outcome: AttemptOutcome },
    /// A person steers a chain. The order is in the chain's record already, so the loss of the schedule cannot lose it.
    Controlled {
        chain: ChainId,
        control: Control,
        by: String,
        reason: Option<String>,
    },
    /// A person repaired a stack by hand: it counts as served for every cause that needs it.
    DoneByHand {
        stack: StackId,
        by: String,
        reason: Option<String>,
    },
    /// A person checked what holds a stack. It is tried again at once, even if the loop guard says otherwise.
    Released { stack: StackId, by: String },
    /// Nothing is triggered any more.
    Halted { by: String, reason: Option<String> },
    /// The halt is lifted.
    Resumed { by: String, reason: Option<String> },
    /// The account is not halted any more, and nobody reported it.
    HaltGone,
    /// A freeze was lifted. The stacks that it held are tried again.
    Thawed { by: String },
    /// The record of this chain cannot be updated, because its workflow was terminated.
    ChainGone { chain: ChainId },
    /// What is open in Temporal and Spacelift. The schedule knew nothing before.
    Rebuilt(Box<Rebuilt>),
    /// A chain is open that the schedule does not know, with the unfinished runs of its record. It is reported again if a
    /// person gave it an order in the meantime.
    ChainFound {
        record: Box<ChainRecord>,
        runs: Vec<(StackId, RunFacts)>,
    },
    /// An attempt is open that the schedule does not wait for.
    AttemptFound { stack: StackId },
}

/// All stacks of the account at one moment.
#[derive(Debug, Clone)]
pub struct Listed {
    pub graph: DependencyGraph,
    /// The ids of trigger policies. A person did not trigger runs that name them.
    pub policies: Vec<String>,
    /// The settings of the worker that made the listing.
    pub settings: ScheduleSettings,
    /// What the roots' runs changed, if a label of the root asks for it.
    pub changes: BTreeMap<RunId, RunChanges>,
}

/// What a lost schedule has to learn again.
#[derive(Debug, Clone, Default)]
pub struct Rebuilt {
    pub chains: Vec<ChainRecord>,
    /// Stacks with an open attempt.
    pub attempts: Vec<StackId>,
    /// The outcomes of attempts that ended recently. The records may not know their runs.
    pub ended_attempts: Vec<(StackId, AttemptOutcome)>,
    /// Unfinished tracked runs with their stacks, and finished ones that a chain still takes for running.
    pub runs: Vec<(StackId, RunFacts)>,
    pub halted_by: Option<String>,
    pub halt_reason: Option<String>,
    /// Recent runs of another Spillway. The oldest first.
    pub conflicts: Vec<(StackId, RunFacts)>,
    /// A person knows about what another Spillway did up to this second.
    pub conflict_excused_s: i64,
    /// The previous schedule completed with nothing open, so there is no doubt about runs of ours.
    pub clean: bool,
    pub now_s: i64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", content = "of", rename_all = "snake_case")]
pub enum Effect {
    /// Find out what is open.
    Rebuild,
    /// List the account's stacks.
    List,
    /// Look at a stack, and trigger a run if needed.
    Attempt(AttemptRequest),
    /// Look at a run. The answer is [`Event::RunMoved`] or [`Event::RunEnded`].
    Look { stack: StackId, run: RunId },
    /// Stop a run as its state allows, unless it is confirmed or applying. Its end is reported like that of any run.
    Stop { stack: StackId, run: RunId, why: Reason },
    /// Open the record of a chain. If it existed before, the answer is [`Event::ChainGone`] and the chain runs nothing.
    /// No stack is tried for it before the next decision.
    Open(Box<Opening>),
    /// Add decisions to a record.
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

/// One decision, as it is logged. The tests of the laws read these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// The schedule received a cause.
    Cause {
        chain: ChainId,
        stack: StackId,
        run: Option<RunId>,
    },
    /// The root has no dependents.
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
    /// A run is about to be triggered for these chains.
    Attempt {
        stack: StackId,
        chains: Vec<ChainId>,
    },
    /// These chains have a run.
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
    /// What happened to a stack in a chain.
    Changed {
        chain: ChainId,
        change: Change,
    },
    /// A run is applying and takes longer than allowed.
    Late {
        stack: StackId,
        run: RunId,
    },
    /// A stack or chain has been waiting too long for a person or a lock.
    Stuck {
        stack: StackId,
        since_ms: i64,
        text: String,
    },
    /// A run of our key that the schedule does not know. It starts no chain.
    NotARoot {
        stack: StackId,
        run: RunId,
    },
    DoneByHand {
        stack: StackId,
        by: String,
        #[serde(default)]
        reason: Option<String>,
    },
    Released {
        stack: StackId,
        by: String,
    },
    Halted {
        by: String,
        #[serde(default)]
        reason: Option<String>,
    },
    Resumed {
        by: String,
        #[serde(default)]
        reason: Option<String>,
    },
    /// Another Spillway triggered a run with our key, so nothing is triggered.
    Conflict {
        stack: StackId,
        run: RunId,
        namespace: String,
    },
    /// The sweep found that the account is not halted any more.
    HaltGone,
    Thawed {
        by: String,
    },
    Rebuilt {
        chains: usize,
    },
    /// A chain was open that the schedule did not know.
    ChainFound {
        chain: ChainId,
    },
    /// An attempt was open that the schedule did not wait for.
    AttemptFound {
        stack: StackId,
    },
    /// A cause that the schedule cannot continue.
    Quarantined {
        chain: ChainId,
        why: String,
    },
}

impl Decision {
    /// The chain that it is about. Some decisions are about several.
    pub fn chain(&self) -> Option<&ChainId> {
        match self {
            Self::Cause { chain, .. }
            | Self::NothingToDo { chain, .. }
            | Self::Planned { chain, .. }
            | Self::Refused { chain, .. }
            | Self::Changed { chain, .. }
            | Self::ChainFound { chain }
            | Self::Quarantined { chain, .. } => Some(chain),
            _ => None,
        }
    }

    pub fn stack(&self) -> Option<&StackId> {
        match self {
            Self::Cause { stack, .. }
            | Self::NothingToDo { stack, .. }
            | Self::Attempt { stack, .. }
            | Self::Triggered { stack, .. }
            | Self::Held { stack, .. }
            | Self::Changed {
                change: Change::Stack { stack, .. },
                ..
            }
            | Self::Late { stack, .. }
            | Self::Stuck { stack, .. }
            | Self::NotARoot { stack, .. }
            | Self::DoneByHand { stack, .. }
            | Self::Released { stack, .. }
            | Self::Conflict { stack, .. }
            | Self::AttemptFound { stack } => Some(stack),
            _ => None,
        }
    }

    pub fn run(&self) -> Option<&RunId> {
        match self {
            Self::Cause { run, .. } => run.as_ref(),
            Self::Triggered { run, .. }
            | Self::Late { run, .. }
            | Self::NotARoot { run, .. }
            | Self::Conflict { run, .. } => Some(run),
            _ => None,
        }
    }
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
            Self::Late { stack, run } => {
                write!(f, "Run {run} of `{stack}` applies, and takes longer than it may")
            }
            Self::Stuck { stack, text, .. } => write!(f, "`{stack}` has been waiting for long: {text}"),
            Self::DoneByHand { stack, by, reason } => {
                let ordered = format!("`{stack}` counts as served, says {by}");
                f.write_str(&with_reason(&ordered, reason.as_deref()))
            }
            Self::Released { stack, by } => write!(f, "`{stack}` is tried at once, says {by}"),
            Self::Halted { by, reason } => {
                let ordered = format!("Nothing is triggered: halted by {by}");
                f.write_str(&with_reason(&ordered, reason.as_deref()))
            }
            Self::Resumed { by, reason } => {
                let ordered = format!("The halt is lifted by {by}");
                f.write_str(&with_reason(&ordered, reason.as_deref()))
            }
            Self::Conflict {
                stack,
                run,
                namespace,
            } => write!(
                f,
                "Another Spillway, in the Temporal namespace `{namespace}`, made run {run} of `{stack}` with our API key: \
                 nothing is triggered for an hour, or until `spillway go`"
            ),
            Self::HaltGone => f.write_str("The account is not halted any more"),
            Self::Thawed { by } => write!(f, "The freeze is lifted by {by}"),
            Self::Rebuilt { chains } => write!(f, "Rebuilt, with {chains} open chains"),
            Self::ChainFound { chain } => write!(f, "{chain} was open and not known: it goes on"),
            Self::AttemptFound { stack } => {
                write!(
                    f,
                    "An attempt at `{stack}` was under way and not known: it is waited for"
                )
            }
            Self::Quarantined { chain, why } => write!(f, "{chain} cannot go on: {why}"),
        }
    }
}
