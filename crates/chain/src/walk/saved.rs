//! The form in which a walk is saved: what cannot be computed again from the chain.

use serde::{Deserialize, Serialize};

use super::{Reason, StackProgress, Walk};
use crate::Chain;

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SavedWalk {
    chain: Chain,
    progress: Vec<StackProgress>,
    #[serde(default)]
    paused: bool,
    #[serde(default)]
    stopped: Option<Reason>,
}

/// A saved walk whose parts do not belong to each other.
#[derive(Debug, thiserror::Error)]
#[error("the progress does not list the chain's stacks in their order")]
pub(super) struct OtherStacks;

impl TryFrom<SavedWalk> for Walk {
    type Error = OtherStacks;

    fn try_from(saved: SavedWalk) -> Result<Self, OtherStacks> {
        let ids = saved.progress.iter().map(|stack| &stack.id);
        if !ids.eq(saved.chain.stacks.iter().map(|stack| &stack.id)) {
            return Err(OtherStacks);
        }
        let SavedWalk {
            chain,
            progress,
            paused,
            stopped,
        } = saved;
        Ok(Self {
            progress,
            paused,
            stopped,
            ..Self::new(chain)
        })
    }
}

impl From<Walk> for SavedWalk {
    fn from(walk: Walk) -> Self {
        let Walk {
            chain,
            progress,
            paused,
            stopped,
            ..
        } = walk;
        Self {
            chain,
            progress,
            paused,
            stopped,
        }
    }
}
