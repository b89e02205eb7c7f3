//! What is known of the stacks of a chain under way.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{RunId, StackId};

/// Where a stack of a chain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StackState {
    Waiting,
    Running,
    Succeeded,
    Failed,
    Skipped,
}

impl StackState {
    /// Nothing more happens to the stack in this chain.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Skipped)
    }
}

impl fmt::Display for StackState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        })
    }
}

/// Why a stack did not run, or not well: one word for programs, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    pub code: String,
    pub text: String,
}

impl Reason {
    pub fn new(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How the execution of a stack ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Succeeded,
    /// What follows is the chain's policy.
    Failed(Reason),
    /// It turned out that the stack is not to be run, for example because it was disabled meanwhile. Like a
    /// stack that was left out from the start, it holds up nothing downstream.
    Skipped(Reason),
}

/// What is known of one stack of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StackProgress {
    pub id: StackId,
    pub state: StackState,
    #[serde(default)]
    pub reason: Option<Reason>,
    /// The latest run.
    #[serde(default)]
    pub run: Option<RunId>,
    /// How many runs it took.
    #[serde(default)]
    pub runs: u32,
    /// What a running stack waits for, such as a confirmation.
    #[serde(default)]
    pub note: Option<String>,
    #[serde(default)]
    pub started_at_ms: Option<i64>,
    #[serde(default)]
    pub finished_at_ms: Option<i64>,
}

impl StackProgress {
    pub(super) fn waiting(id: StackId) -> Self {
        Self {
            id,
            state: StackState::Waiting,
            reason: None,
            run: None,
            runs: 0,
            note: None,
            started_at_ms: None,
            finished_at_ms: None,
        }
    }
}

/// How many stacks are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    pub waiting: usize,
    pub running: usize,
    pub succeeded: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (self.succeeded, StackState::Succeeded),
            (self.failed, StackState::Failed),
            (self.skipped, StackState::Skipped),
            (self.running, StackState::Running),
            (self.waiting, StackState::Waiting),
        ];
        let told: Vec<_> = all
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, state)| format!("{count} {state}"))
            .collect();
        f.write_str(if told.is_empty() { "nothing to run" } else { "" })?;
        f.write_str(&told.join(", "))
    }
}
