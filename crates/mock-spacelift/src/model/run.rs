//! A run: its state and its history.

use std::collections::BTreeMap;

use async_graphql::SimpleObject;
use chain::{RunId, RunState, RunType, StackId};

use crate::model::clock::Timestamp;
use crate::model::commit::Commit;

/// What a run will find when it plans and applies. This is decided when it is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Changes,
    NoChanges,
    FailsIn(RunState),
    /// There is nothing to do: it is skipped when it would begin.
    Skipped,
}

/// One entry of a run's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Transition {
    pub state: RunState,
    pub state_version: u32,
    pub at: Timestamp,
    pub username: Option<String>,
    pub note: Option<String>,
}

/// How many resources a run adds, changes and deletes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, SimpleObject)]
pub(crate) struct Delta {
    pub add_count: i32,
    pub change_count: i32,
    pub delete_count: i32,
    pub resources: i32,
}

/// A comment on a run.
#[derive(Debug, Clone, PartialEq, Eq, SimpleObject)]
pub(crate) struct RunComment {
    pub body: String,
    pub created_at: i64,
    pub username: String,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "`type` alone is a keyword")]
#[expect(clippy::struct_excessive_bools, reason = "they are independent facts")]
pub(crate) struct Run {
    pub id: RunId,
    pub stack: StackId,
    pub run_type: RunType,
    pub commit: Commit,
    pub branch: String,
    pub command: Option<String>,
    pub triggered_by: Option<String>,
    /// The metadata of the callers, one text for each call that had it.
    pub metadata: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub drift_detection: bool,
    pub prioritized: bool,
    pub outcome: Outcome,
    /// Whether its apply changes outputs that other stacks refer to.
    pub changes_outputs: bool,
    /// The addresses of the changed resources, if they have names.
    pub changes: Option<Vec<String>>,
    pub delta: Option<Delta>,
    pub comments: Vec<RunComment>,
    /// Runs of upstream stacks that must be over first.
    pub waits_for: Vec<RunId>,
    /// Only a native dependency requested it: it is skipped if nothing changed upstream.
    pub of_dependency: bool,
    /// The first of the runs that trigger policies started from one another; its own id without policies.
    pub workflow: RunId,
    /// Oldest first, never empty.
    pub history: Vec<Transition>,
}

/// The settings of a new run.
#[derive(Debug, Clone)]
pub(crate) struct RunRequest {
    pub run_type: RunType,
    pub commit: Option<String>,
    pub command: Option<String>,
    pub triggered_by: Option<String>,
    pub metadata: Option<String>,
    pub environment: BTreeMap<String, String>,
    pub drift_detection: bool,
    pub of_dependency: bool,
    /// The workflow of the run at whose end a trigger policy requested this one.
    pub workflow: Option<RunId>,
    /// The run that it retries.
    pub retries: Option<RunId>,
}

impl RunRequest {
    pub(crate) fn tracked(triggered_by: Option<&str>) -> Self {
        Self::of(RunType::Tracked, triggered_by)
    }

    /// A person's tracked run of a commit, whatever commit the stack tracks.
    pub(crate) fn of_commit(by: &str, sha: &str) -> Self {
        Self {
            commit: Some(sha.to_owned()),
            ..Self::tracked(Some(by))
        }
    }

    pub(crate) fn of(run_type: RunType, triggered_by: Option<&str>) -> Self {
        Self {
            run_type,
            commit: None,
            command: None,
            triggered_by: triggered_by.map(str::to_owned),
            metadata: None,
            environment: BTreeMap::new(),
            drift_detection: false,
            of_dependency: false,
            workflow: None,
            retries: None,
        }
    }
}

impl Run {
    pub(crate) fn last(&self) -> &Transition {
        self.history.last().expect("a run starts with a transition")
    }

    pub(crate) fn state(&self) -> &RunState {
        &self.last().state
    }

    pub(crate) fn created_at(&self) -> Timestamp {
        self.history
            .first()
            .map_or_else(Timestamp::now, |transition| transition.at)
    }

    /// The first line of the commit message, or the command of a task.
    pub(crate) fn title(&self) -> String {
        match &self.command {
            Some(command) => command.clone(),
            None => self.commit.message.lines().next().unwrap_or_default().to_owned(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state().is_terminal()
    }

    /// Whether runs of this type run one after the other on a stack. Proposed ones run in parallel.
    pub(crate) fn is_serialized(&self) -> bool {
        matches!(self.run_type, RunType::Tracked | RunType::Task | RunType::Destroy)
    }

    /// Whether it blocks its stack: it has left the queue and is not over.
    pub(crate) fn is_under_way(&self) -> bool {
        self.is_serialized() && !self.is_over() && *self.state() != RunState::Queued
    }

    /// It is over, and neither finished nor skipped.
    pub(crate) fn ended_badly(&self) -> bool {
        self.is_over() && !self.state().succeeded() && *self.state() != RunState::Skipped
    }

    /// Whether it applied and changed outputs.
    pub(crate) fn changed_outputs(&self) -> bool {
        self.changes_outputs
            && self.state().succeeded()
            && self.history.iter().any(|entry| entry.state == RunState::Applying)
    }
}
