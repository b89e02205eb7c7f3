//! Runs of stacks.

mod changes;
mod comment;
mod confirm;
mod discard;
mod end;
mod list;
mod retry;
pub(super) mod search;
mod show;
mod trigger;

pub use end::RunEnd;
pub use search::{FoundRun, RUNS_SINCE_MAX, RunsSince};
pub use trigger::TriggerRun;

use chain::{CommitSha, RunId, RunState, RunType};

/// The fragment's generated type. Each operation that uses the fragment generates an identical one; this one is used
/// for all.
pub(super) use self::trigger::run_trigger::RunFields;
use self::trigger::run_trigger::RunFieldsHistory;
use super::id;
use crate::transport::Unusable;

/// One run of a stack. Times are seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub run_type: RunType,
    pub state: RunState,
    pub branch: String,
    pub commit: Commit,
    /// A login, a policy, a stack, or `api::<key id>`; `None` for a push.
    pub triggered_by: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
    pub drift_detection: bool,
    /// Whether Spacelift counts it as ended.
    pub finished: bool,
    pub needs_approval: bool,
    /// Its planned changes, once it is planned.
    pub delta: Option<Delta>,
    /// Its states, the latest first.
    pub history: Vec<Transition>,
}

impl Run {
    /// The version of its current state, as in webhooks: the number of states so far.
    pub fn state_version(&self) -> Option<i64> {
        self.history
            .iter()
            .map(|transition| transition.state_version)
            .max()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// `None` if Spacelift knows no commit.
    pub sha: Option<CommitSha>,
    pub message: String,
    pub author: Option<String>,
    pub timestamp: Option<i64>,
    pub url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delta {
    pub added: i64,
    pub changed: i64,
    pub deleted: i64,
    pub resources: i64,
}

/// A change of state of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    pub state: RunState,
    pub state_version: i64,
    pub timestamp: i64,
    pub username: Option<String>,
    pub note: Option<String>,
}

impl Run {
    pub(super) fn from_fields(run: RunFields) -> Result<Self, Unusable> {
        let transition = |transition: RunFieldsHistory| Transition {
            state: transition.state,
            state_version: transition.state_version,
            timestamp: transition.timestamp,
            username: transition.username,
            note: transition.note,
        };
        Ok(Self {
            id: id(run.id)?,
            run_type: run.type_,
            state: run.state,
            branch: run.branch,
            commit: Commit {
                sha: CommitSha::new(run.commit.hash),
                message: run.commit.message.unwrap_or_default(),
                author: run.commit.author_name,
                timestamp: run.commit.timestamp,
                url: run.commit.url,
            },
            triggered_by: run.triggered_by,
            created_at: run.created_at,
            updated_at: run.updated_at,
            drift_detection: run.drift_detection,
            finished: run.finished,
            needs_approval: run.needs_approval,
            delta: run.delta.map(|delta| Delta {
                added: delta.add_count,
                changed: delta.change_count,
                deleted: delta.delete_count,
                resources: delta.resources,
            }),
            history: run.history.into_iter().map(transition).collect(),
        })
    }
}
