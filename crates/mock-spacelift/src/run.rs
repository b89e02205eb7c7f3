//! A run: its place in Spacelift's states, and how it got there.

use std::collections::BTreeMap;

use async_graphql::SimpleObject;
use chain::{RunId, RunState, RunType, StackId};

use crate::clock::Timestamp;
use crate::commit::Commit;

/// What a run will find when it plans and applies. Decided when it is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    Changes,
    NoChanges,
    FailsIn(RunState),
    /// There is nothing to do: it ends where it would begin.
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

/// A remark on a run.
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
    /// What callers said about themselves, one text for each call that did.
    pub metadata: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub drift_detection: bool,
    pub prioritized: bool,
    pub fate: Fate,
    /// Whether its apply changes outputs that other stacks refer to.
    pub changes_outputs: bool,
    pub delta: Option<Delta>,
    pub comments: Vec<RunComment>,
    /// Runs of upstream stacks that must be over first.
    pub waits_for: Vec<RunId>,
    /// Only a native dependency wants it: it is skipped where upstream nothing changed for it.
    pub of_dependency: bool,
    /// The first of the runs that trigger policies made of one another; its own id without policies.
    pub workflow: RunId,
    /// Oldest first, and never empty.
    pub history: Vec<Transition>,
}

/// What a new run is to be.
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
    /// The workflow of the run whose end made a trigger policy ask for this one.
    pub workflow: Option<RunId>,
    /// The run that it tries again.
    pub retries: Option<RunId>,
}

impl RunRequest {
    pub(crate) fn tracked(triggered_by: Option<&str>) -> Self {
        Self::of(RunType::Tracked, triggered_by)
    }

    /// A person's tracked run of a commit, whatever the stack tracks.
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

    /// The first line of what was committed, or the command of a task.
    pub(crate) fn title(&self) -> String {
        match &self.command {
            Some(command) => command.clone(),
            None => self.commit.message.lines().next().unwrap_or_default().to_owned(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.state().is_terminal()
    }

    /// Runs that take their turn on a stack. Proposed ones run beside them.
    pub(crate) fn is_serialized(&self) -> bool {
        matches!(self.run_type, RunType::Tracked | RunType::Task | RunType::Destroy)
    }

    /// It has a stack's turn: it left the queue and is not over.
    pub(crate) fn is_under_way(&self) -> bool {
        self.is_serialized() && !self.is_over() && *self.state() != RunState::Queued
    }
}
