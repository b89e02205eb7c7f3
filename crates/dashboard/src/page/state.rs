//! How a state is shown: a mark, a word and a name in the style sheet, so that nothing depends on colours.

use chain::attempt::is_wait_for_person;
use chain::{ChainResult, StackProgress, StackState};

/// A state of a stack or of a chain, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    Failed,
    Person,
    Running,
    Paused,
    Waiting,
    Skipped,
    Succeeded,
    Refused,
    Cancelled,
    /// Of a part of Spillway, not of a stack.
    Good,
    Bad,
    Unknown,
}

impl State {
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Failed | Self::Refused | Self::Bad => "failed",
            Self::Person | Self::Paused => "person",
            Self::Running => "running",
            Self::Waiting | Self::Unknown => "waiting",
            Self::Skipped | Self::Cancelled => "skipped",
            Self::Succeeded | Self::Good => "succeeded",
        }
    }

    pub(crate) const fn mark(self) -> &'static str {
        match self {
            Self::Failed | Self::Refused | Self::Bad => "✕",
            Self::Person => "!",
            Self::Running => "▸",
            Self::Paused => "‖",
            Self::Waiting | Self::Unknown => "○",
            Self::Skipped | Self::Cancelled => "–",
            Self::Succeeded | Self::Good => "✓",
        }
    }

    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Person => "waits for a person",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Waiting => "waiting",
            Self::Skipped => "skipped",
            Self::Succeeded => "succeeded",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Good => "good",
            Self::Bad => "not good",
            Self::Unknown => "not known",
        }
    }

    pub(crate) fn of_stack(progress: &StackProgress) -> Self {
        match progress.state {
            StackState::Waiting => Self::Waiting,
            StackState::Running if is_for_person(progress) => Self::Person,
            StackState::Running => Self::Running,
            StackState::Succeeded => Self::Succeeded,
            StackState::Failed => Self::Failed,
            StackState::Skipped => Self::Skipped,
        }
    }

    pub(crate) fn of_chain(result: ChainResult) -> Self {
        match result {
            ChainResult::Planning => Self::Waiting,
            ChainResult::Running => Self::Running,
            ChainResult::Paused => Self::Paused,
            ChainResult::Succeeded => Self::Succeeded,
            ChainResult::Failed => Self::Failed,
            ChainResult::Refused => Self::Refused,
            ChainResult::Cancelled => Self::Cancelled,
        }
    }
}

/// The run of the stack waits for a person, as its record says.
pub(crate) fn is_for_person(progress: &StackProgress) -> bool {
    progress.note.as_deref().is_some_and(is_wait_for_person)
}
