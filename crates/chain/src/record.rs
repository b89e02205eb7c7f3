//! The record of one chain: what was planned, and what became of each stack. It decides nothing.

mod change;
mod progress;

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use change::{Change, Outcome, StackChange};
pub use progress::{Counts, REASON_CHARACTERS_MAX, Reason, StackProgress, StackState};

use crate::schedule::Control;
use crate::{Chain, ChainId, StackId};

/// How a chain ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl ChainResult {
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Succeeded | Self::Failed | Self::Refused | Self::Cancelled
        )
    }
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

/// A chain and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct ChainRecord {
    id: ChainId,
    chain: Chain,
    /// In the order of the chain's stacks.
    progress: Vec<StackProgress>,
    paused: bool,
    cancelled: Option<Reason>,
    over: bool,
    index: BTreeMap<StackId, usize>,
}

impl ChainRecord {
    /// The beginning: every stack waits.
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
            cancelled: None,
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

    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Why nothing new starts any more, if a person cancelled the chain.
    pub fn cancelled(&self) -> Option<&Reason> {
        self.cancelled.as_ref()
    }

    /// Nothing more happens to it.
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

    /// Writes down what happened. What is about no stack of the chain changes nothing.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Controlled { control, by, .. } => match control {
                Control::Pause => self.paused = true,
                Control::Resume => self.paused = false,
                Control::Cancel => {
                    self.paused = false;
                    let text = format!("the chain was cancelled by {by}");
                    self.cancelled.get_or_insert(Reason::new("chain_cancelled", text));
                }
            },
            Change::Over { .. } => self.over = true,
            Change::Stack { stack, change, at_ms } => {
                if let Some(&at) = self.index.get(stack) {
                    self.progress[at].apply(change, *at_ms);
                }
            }
        }
    }
}

/// The form in which a record is kept: what cannot be computed again.
#[derive(Clone, Serialize, Deserialize)]
struct Saved {
    id: ChainId,
    chain: Chain,
    progress: Vec<StackProgress>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    cancelled: Option<Reason>,
    #[serde(default)]
    over: bool,
}

/// A saved record whose parts do not belong to each other.
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
            cancelled: saved.cancelled,
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
            cancelled: record.cancelled,
            over: record.over,
        }
    }
}
