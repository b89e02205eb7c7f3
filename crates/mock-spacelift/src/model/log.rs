//! The log of the account: who did what, and when.

use chain::{RunId, StackId};
use serde::{Deserialize, Serialize};

/// One action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// A login, a stack, a policy or `api::<key id>`; `None` for a git push.
    pub by: Option<String>,
    pub action: LogAction,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogAction {
    /// A commit was pushed to a branch. The runs that this created have their own entries.
    Push {
        repository: String,
        branch: String,
        commit: String,
        /// The timestamp of the commit, in Unix seconds.
        timestamp: i64,
    },
    /// A run was created.
    Trigger {
        stack: StackId,
        run: RunId,
        run_type: String,
        commit: String,
        timestamp: i64,
        /// The run that it retries.
        retries: Option<RunId>,
    },
    /// Somebody decided about a run, which entered this state.
    Decide {
        stack: StackId,
        run: RunId,
        state: String,
    },
    Lock {
        stack: StackId,
    },
    Unlock {
        stack: StackId,
    },
}
