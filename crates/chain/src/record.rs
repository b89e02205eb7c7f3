//! The record of one chain: the plan, and what happened to each stack. It decides nothing.

mod change;
mod progress;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use change::{Change, Outcome, StackChange};
pub use progress::{Counts, StackProgress, StackState};

use crate::reason::with_reason;
use crate::schedule::Control;
use crate::{Chain, ChainId, ChainStack, Reason, ReasonCode, RunId, StackId};

/// How a chain ended, or that it is still open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ChainResult {
    Planning,
    Running,
    Paused,
    Succeeded,
    Failed,
    Refused,
    Cancelled,
}

impl ChainResult {
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Refused | Self::Cancelled
        )
    }
}

/// A chain and its progress.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent facts, and make no states together"
)]
pub struct ChainRecord {
    id: ChainId,
    chain: Chain,
    /// In the order of the chain's stacks.
    progress: Vec<StackProgress>,
    paused: bool,
    /// Who paused it. `None` if an older version recorded the pause.
    pause: Option<Pause>,
    /// A person approved the chain.
    approved: bool,
    cancelled: Option<Reason>,
    /// A person cancelled the chain together with its runs.
    stops_runs: bool,
    /// The last order of a person.
    ordered: Option<Reason>,
    over: bool,
    index: BTreeMap<StackId, usize>,
}

impl ChainRecord {
    /// The initial record: every stack waits.
    pub fn new(id: ChainId, chain: Chain) -> Self {
        let progress = chain
            .stacks
            .iter()
            .map(|stack| match &stack.skipped {
                Some(reason) => StackProgress::skipped(stack.id.clone(), reason.clone()),
                None => StackProgress::waiting(stack.id.clone()),
            })
            .collect();
        Self::of(id, chain, progress)
    }

    fn of(id: ChainId, chain: Chain, progress: Vec<StackProgress>) -> Self {
        let index = progress
            .iter()
            .enumerate()
            .map(|(at, stack)| (stack.id.clone(), at))
            .collect();
        Self {
            id,
            chain,
            progress,
            paused: false,
            pause: None,
            approved: false,
            cancelled: None,
            stops_runs: false,
            ordered: None,
            over: false,
            index,
        }
    }

    pub fn id(&self) -> &ChainId {
        &self.id
    }

    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Every stack, in the order of the chain.
    pub fn progress(&self) -> &[StackProgress] {
        &self.progress
    }

    pub fn stack(&self, id: &StackId) -> Option<&StackProgress> {
        self.index.get(id).map(|&at| &self.progress[at])
    }

    /// The plan of a stack.
    pub fn planned(&self, id: &StackId) -> Option<&ChainStack> {
        self.index.get(id).and_then(|&at| self.chain.stacks.get(at))
    }

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Who paused the chain and when, as long as it is paused. `None` also if an older version recorded the pause.
    pub fn pause(&self) -> Option<&Pause> {
        self.pause.as_ref()
    }

    /// Why it has not begun: it waits for an approval.
    pub fn unapproved(&self) -> Option<&Reason> {
        let is_asked = !self.approved && !self.over && self.cancelled.is_none();
        self.chain.needs_approval.as_ref().filter(|_| is_asked)
    }

    /// Why nothing new starts, if a person cancelled the chain.
    pub fn cancelled(&self) -> Option<&Reason> {
        self.cancelled.as_ref()
    }

    /// Whether the cancelled chain's runs are ended too.
    pub fn stops_runs(&self) -> bool {
        self.stops_runs
    }

    /// Why a run that the record does not have is ended, if a person cancelled the chain with its runs.
    pub(crate) fn stops_unrecorded(&self, stack: &StackId, run: &RunId) -> Option<&Reason> {
        let recorded = self.stack(stack).and_then(|stack| stack.run.as_ref());
        let is_asked = self.stops_runs && recorded != Some(run);
        self.cancelled.as_ref().filter(|_| is_asked)
    }

    /// Whether people allow the chain to start runs.
    pub fn may_start(&self) -> bool {
        !self.paused && self.cancelled.is_none() && self.unapproved().is_none()
    }

    /// The last order of a person, with the reason.
    pub fn ordered(&self) -> Option<&Reason> {
        self.ordered.as_ref()
    }

    /// Whether people have ordered the same of the chain according to another reading of its record.
    pub fn has_same_orders(&self, other: &Self) -> bool {
        self.paused == other.paused
            && self.approved == other.approved
            && self.cancelled == other.cancelled
            && self.stops_runs == other.stops_runs
    }

    /// Nothing more happens to the chain.
    pub fn is_over(&self) -> bool {
        self.over
    }

    pub fn counts(&self) -> Counts {
        Counts::of(&self.progress)
    }

    pub fn result(&self) -> ChainResult {
        match (self.over, self.paused) {
            (false, true) => ChainResult::Paused,
            (false, false) => ChainResult::Running,
            (true, _) if self.cancelled.is_some() => ChainResult::Cancelled,
            (true, _) if self.counts().failed > 0 => ChainResult::Failed,
            (true, _) => ChainResult::Succeeded,
        }
    }

    /// Records a change. A change about a stack outside of the chain, and an order after the end, have no effect.
    pub fn apply(&mut self, change: &Change) {
        match change {
            // The chain has ended, and its result stays.
            Change::Controlled { .. } if self.over => {}
            // The first pause lasts, with its reason, and only a pause can be lifted.
            Change::Controlled {
                control: Control::Pause,
                ..
            } if self.paused => {}
            Change::Controlled {
                control: Control::Resume,
                ..
            } if !self.paused => {}
            Change::Controlled {
                control,
                by,
                reason,
                at_ms,
            } => {
                let (code, ordered) = match control {
                    Control::Pause => (ReasonCode::ChainPaused, "paused"),
                    Control::Resume => (ReasonCode::ChainResumed, "resumed"),
                    Control::Approve => (ReasonCode::ChainApproved, "approved"),
                    Control::Cancel | Control::CancelAndStopRuns => (ReasonCode::ChainCancelled, "cancelled"),
                };
                let text = with_reason(&format!("the chain was {ordered} by {by}"), reason.as_deref());
                let ordered = Reason::new(code, text);
                match control {
                    Control::Pause => {
                        self.paused = true;
                        self.pause = Some(Pause {
                            reason: ordered.clone(),
                            at_ms: *at_ms,
                        });
                    }
                    Control::Resume => self.resume(),
                    Control::Approve => self.approved = true,
                    Control::Cancel | Control::CancelAndStopRuns => {
                        self.resume();
                        self.stops_runs |= *control == Control::CancelAndStopRuns;
                        self.cancelled.get_or_insert(ordered.clone());
                    }
                }
                self.ordered = Some(ordered);
            }
            Change::Over { .. } => self.over = true,
            Change::Stack { stack, change, at_ms } => {
                if let Some(&at) = self.index.get(stack) {
                    self.progress[at].apply(change, *at_ms);
                }
            }
        }
    }

    fn resume(&mut self) {
        self.paused = false;
        self.pause = None;
    }
}

/// Who paused a chain, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// By whom, and why.
    pub reason: Reason,
    /// In milliseconds since 1970.
    pub at_ms: i64,
}

/// The stored form of a record: everything that cannot be computed.
#[derive(Clone, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent facts, and make no states together"
)]
struct Saved {
    id: ChainId,
    chain: Chain,
    progress: Vec<StackProgress>,
    #[serde(default)]
    paused: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pause: Option<Pause>,
    #[serde(default)]
    approved: bool,
    #[serde(default)]
    cancelled: Option<Reason>,
    #[serde(default)]
    stops_runs: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ordered: Option<Reason>,
    #[serde(default)]
    over: bool,
}

/// A stored record whose parts do not fit together.
#[derive(Debug, thiserror::Error)]
#[error("the progress does not list the chain's stacks in their order")]
struct OtherStacks;

impl TryFrom<Saved> for ChainRecord {
    type Error = OtherStacks;

    fn try_from(saved: Saved) -> Result<Self, OtherStacks> {
        let ids = saved.progress.iter().map(|stack| &stack.id);
        if !ids.eq(saved.chain.stacks.iter().map(|stack| &stack.id)) {
            return Err(OtherStacks);
        }
        Ok(Self {
            paused: saved.paused,
            pause: saved.pause,
            approved: saved.approved,
            cancelled: saved.cancelled,
            stops_runs: saved.stops_runs,
            ordered: saved.ordered,
            over: saved.over,
            ..Self::of(saved.id, saved.chain, saved.progress)
        })
    }
}

impl From<ChainRecord> for Saved {
    fn from(record: ChainRecord) -> Self {
        Self {
            id: record.id,
            chain: record.chain,
            progress: record.progress,
            paused: record.paused,
            pause: record.pause,
            approved: record.approved,
            cancelled: record.cancelled,
            stops_runs: record.stops_runs,
            ordered: record.ordered,
            over: record.over,
        }
    }
}
