//! What is known about the stacks of a chain.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::{Outcome, StackChange};
use crate::commit::ChosenBecause;
use crate::{CommitSha, Reason, RunId, StackId};

/// The state of a stack in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[derive(strum::Display)]
#[strum(serialize_all = "snake_case")]
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

/// What is known about one stack of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StackProgress {
    pub id: StackId,
    pub state: StackState,
    /// Why it failed, was skipped, or counts as done without a run.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// The latest run.
    #[serde(default)]
    pub run: Option<RunId>,
    /// How many runs it had.
    #[serde(default)]
    pub runs: u32,
    /// Runs that failed and were retried, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_runs: Vec<RunId>,
    /// Somebody else triggered the run.
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
            failed_runs: Vec::new(),
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
                by_hand,
            } => {
                let (state, reason) = match outcome {
                    Outcome::Succeeded => (StackState::Succeeded, by_hand.clone()),
                    Outcome::Failed { reason } => (StackState::Failed, Some(reason.clone())),
                    Outcome::Skipped { reason } => (StackState::Skipped, Some(reason.clone())),
                };
                if let Some(run) = run.as_ref().filter(|run| self.run.as_ref() != Some(run)) {
                    // A run that was not triggered for this chain served it.
                    self.run = Some(run.clone());
                    self.runs = self.runs.saturating_add(1);
                    self.found = true;
                    self.commit_why = None;
                }
                if by_hand.is_some() {
                    // An earlier run did not lead to this end.
                    self.started_at_ms = None;
                }
                self.commit = commit.clone().or(self.commit.take());
                self.state = state;
                self.reason = reason;
                self.note = None;
                self.finished_at_ms = Some(at_ms);
                self.ended_at_s = *ended_at_s;
            }
            StackChange::RunFailed { run, note } => {
                self.failed_runs.push(run.clone());
                self.state = StackState::Waiting;
                self.note = Some(note.clone());
                self.started_at_ms = None;
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

/// The number of stacks in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ChainCounts")]
pub struct Counts {
    pub waiting: usize,
    pub running: usize,
    pub succeeded: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl Counts {
    pub fn of<'a>(progress: impl IntoIterator<Item = &'a StackProgress>) -> Self {
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
