//! What can happen to a chain, as its record describes it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::commit::ChosenBecause;
use crate::reason::with_reason;
use crate::schedule::Control;
use crate::{CommitSha, Reason, RunId, StackId};

/// One thing that happened to a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Change {
    Stack {
        stack: StackId,
        change: StackChange,
        at_ms: i64,
    },
    Controlled {
        control: Control,
        by: String,
        at_ms: i64,
        /// The reason that the person gave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Every stack has an outcome.
    Over { at_ms: i64 },
}

impl Change {
    /// When it happened, by our clock.
    pub fn at_ms(&self) -> i64 {
        match self {
            Self::Stack { at_ms, .. } | Self::Controlled { at_ms, .. } | Self::Over { at_ms } => *at_ms,
        }
    }
}

/// One thing that happened to a stack of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stack_change", rename_all = "snake_case")]
pub enum StackChange {
    /// The stack has a run, which we triggered or found.
    Began {
        run: RunId,
        made: bool,
        #[serde(default)]
        commit: Option<CommitSha>,
        #[serde(default)]
        why: Option<ChosenBecause>,
    },
    /// What the stack waits for. `None` if it no longer waits.
    Waits { note: Option<String> },
    Ended {
        outcome: Outcome,
        #[serde(default)]
        run: Option<RunId>,
        #[serde(default)]
        commit: Option<CommitSha>,
        /// When its run ended, in seconds since 1970, by Spacelift's clock.
        #[serde(default)]
        ended_at_s: Option<i64>,
        /// Who counted it as done without a run, and why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by_hand: Option<Reason>,
    },
    /// The run failed and is retried.
    RunFailed { run: RunId, note: String },
    /// The stack has to run after all.
    DueAgain { why: String },
}

/// How a stack of a chain ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Succeeded,
    Failed {
        reason: Reason,
    },
    /// The stack was not run. Stacks that wait for it continue, unless they are skipped as well.
    Skipped {
        reason: Reason,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stack { stack, change, .. } => match change {
                StackChange::Began { run, made: true, .. } => write!(f, "`{stack}` runs as {run}"),
                StackChange::Began { run, made: false, .. } => {
                    write!(f, "`{stack}` is served by run {run}, which was there")
                }
                StackChange::Waits { note: Some(note) } => write!(f, "`{stack}` {note}"),
                StackChange::Waits { note: None } => write!(f, "`{stack}` goes on"),
                StackChange::Ended { outcome, by_hand, .. } => match outcome {
                    Outcome::Succeeded => match by_hand {
                        Some(by_hand) => write!(f, "`{stack}` succeeded: {by_hand}"),
                        None => write!(f, "`{stack}` succeeded"),
                    },
                    Outcome::Failed { reason } => write!(f, "`{stack}` failed: {reason}"),
                    Outcome::Skipped { reason } => write!(f, "`{stack}` is skipped: {reason}"),
                },
                StackChange::RunFailed { note, .. } => write!(f, "`{stack}`: {note}"),
                StackChange::DueAgain { why } => write!(f, "`{stack}` has to run again: {why}"),
            },
            Self::Controlled {
                control, by, reason, ..
            } => {
                let ordered = match control {
                    Control::Pause => format!("paused by {by}"),
                    Control::Resume => format!("resumed by {by}"),
                    Control::Approve => format!("approved by {by}"),
                    Control::Cancel => format!("cancelled by {by}"),
                    Control::CancelAndStopRuns => format!("cancelled by {by}, with its runs"),
                };
                f.write_str(&with_reason(&ordered, reason.as_deref()))
            }
            Self::Over { .. } => f.write_str("is over"),
        }
    }
}
