//! What can happen to a chain, in the words of its record.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Reason;
use crate::commit::ChosenBecause;
use crate::schedule::Control;
use crate::{CommitSha, RunId, StackId};

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
    /// There is a run for it: we made it, or it was there.
    Began {
        run: RunId,
        made: bool,
        #[serde(default)]
        commit: Option<CommitSha>,
        #[serde(default)]
        why: Option<ChosenBecause>,
    },
    /// What it waits for, or that it waits no more.
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
    },
    /// It has to run after all.
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
    /// It was not run. What waits for it goes on, unless it is skipped as well.
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
                StackChange::Ended { outcome, .. } => match outcome {
                    Outcome::Succeeded => write!(f, "`{stack}` succeeded"),
                    Outcome::Failed { reason } => write!(f, "`{stack}` failed: {reason}"),
                    Outcome::Skipped { reason } => write!(f, "`{stack}` is skipped: {reason}"),
                },
                StackChange::DueAgain { why } => write!(f, "`{stack}` has to run again: {why}"),
            },
            Self::Controlled { control, by, .. } => match control {
                Control::Pause => write!(f, "paused by {by}"),
                Control::Resume => write!(f, "resumed by {by}"),
                Control::Cancel => write!(f, "cancelled by {by}"),
            },
            Self::Over { .. } => f.write_str("is over"),
        }
    }
}
