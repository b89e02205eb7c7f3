//! What is known of the stacks of a chain.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::{Outcome, StackChange};
use crate::commit::ChosenBecause;
use crate::{CommitSha, RunId, StackId};

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

/// A longer text is cut: reasons are kept in histories and shown in lists.
pub const REASON_CHARACTERS_MAX: usize = 500;

/// Why a stack did not run, or not well: one word for programs, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    pub code: String,
    pub text: String,
}

impl Reason {
    pub fn new(code: impl Into<String>, text: impl Into<String>) -> Self {
        let text: String = text.into();
        Self {
            code: code.into(),
            text: match text.char_indices().nth(REASON_CHARACTERS_MAX) {
                Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
                None => text,
            },
        }
    }
}

/// The code of a stack that is skipped since something upstream of it failed.
pub(crate) const UPSTREAM_FAILED: &str = "upstream_failed";

impl Reason {
    /// It holds for as long as the failure is not repaired.
    pub fn is_by_failure(&self) -> bool {
        self.code == UPSTREAM_FAILED
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
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
    /// How many runs there were for it.
    #[serde(default)]
    pub runs: u32,
    /// Somebody else made the run.
    #[serde(default)]
    pub found: bool,
    /// The commit of the run.
    #[serde(default)]
    pub commit: Option<CommitSha>,
    #[serde(default)]
    pub commit_why: Option<ChosenBecause>,
    /// What it waits for, such as a confirmation.
    #[serde(default)]
    pub note: Option<String>,
    #[serde(default)]
    pub started_at_ms: Option<i64>,
    #[serde(default)]
    pub finished_at_ms: Option<i64>,
    /// When the run ended, in seconds, by Spacelift's clock.
    #[serde(default)]
    pub ended_at_s: Option<i64>,
}

impl StackProgress {
    pub(super) fn waiting(id: StackId) -> Self {
        Self {
            id,
            state: StackState::Waiting,
            reason: None,
            run: None,
            runs: 0,
            found: false,
            commit: None,
            commit_why: None,
            note: None,
            started_at_ms: None,
            finished_at_ms: None,
            ended_at_s: None,
        }
    }

    pub(super) fn skipped(id: StackId, reason: Reason) -> Self {
        Self {
            state: StackState::Skipped,
            reason: Some(reason),
            ..Self::waiting(id)
        }
    }

    pub(super) fn apply(&mut self, change: &StackChange, at_ms: i64) {
        match change {
            StackChange::Began {
                run,
                made,
                commit,
                why,
            } => {
                if self.run.as_ref() != Some(run) {
                    self.runs = self.runs.saturating_add(1);
                }
                self.state = StackState::Running;
                self.run = Some(run.clone());
                self.found = !made;
                self.commit.clone_from(commit);
                self.commit_why.clone_from(why);
                self.note = None;
                self.started_at_ms = Some(at_ms);
            }
            StackChange::Waits { note } => self.note.clone_from(note),
            StackChange::Ended {
                outcome,
                run,
                commit,
                ended_at_s,
            } => {
                let (state, reason) = match outcome {
                    Outcome::Succeeded => (StackState::Succeeded, None),
                    Outcome::Failed { reason } => (StackState::Failed, Some(reason.clone())),
                    Outcome::Skipped { reason } => (StackState::Skipped, Some(reason.clone())),
                };
                if let Some(run) = run.as_ref().filter(|run| self.run.as_ref() != Some(run)) {
                    // A run that was not made for this chain served it.
                    self.run = Some(run.clone());
                    self.runs = self.runs.saturating_add(1);
                    self.found = true;
                    self.commit_why = None;
                }
                self.commit = commit.clone().or(self.commit.take());
                self.state = state;
                self.reason = reason;
                self.note = None;
                self.finished_at_ms = Some(at_ms);
                self.ended_at_s = *ended_at_s;
            }
            StackChange::DueAgain { why } => {
                self.state = StackState::Waiting;
                self.reason = None;
                self.note = Some(why.clone());
                self.started_at_ms = None;
                self.finished_at_ms = None;
                self.ended_at_s = None;
            }
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

impl Counts {
    pub(super) fn of(progress: &[StackProgress]) -> Self {
        let mut counts = Self::default();
        for stack in progress {
            match stack.state {
                StackState::Waiting => counts.waiting += 1,
                StackState::Running => counts.running += 1,
                StackState::Succeeded => counts.succeeded += 1,
                StackState::Failed => counts.failed += 1,
                StackState::Skipped => counts.skipped += 1,
            }
        }
        counts
    }
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
        let shown: Vec<_> = all
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, state)| format!("{count} {state}"))
            .collect();
        f.write_str(if shown.is_empty() { "nothing to run" } else { "" })?;
        f.write_str(&shown.join(", "))
    }
}
