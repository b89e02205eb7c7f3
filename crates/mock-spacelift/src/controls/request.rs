//! Requests to control a running account from outside: see `POST /control/<verb>`.

use chain::{RunId, RunState, StackId};
use serde::{Deserialize, Serialize};

use crate::controls::fault_request::FaultRequest;

/// One request. Its name is the verb in the path, its fields are the body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ControlRequest {
    Push(PushRequest),
    /// Triggers a tracked run, by default of the commit that the stack tracks.
    Trigger {
        stack: String,
        by: Option<String>,
        commit: Option<String>,
    },
    /// Retries a run, by default the newest failed one.
    Retry {
        stack: String,
        by: Option<String>,
        run: Option<String>,
    },
    /// Confirms a run, by default the one that waits for confirmation.
    Confirm {
        stack: String,
        by: Option<String>,
        run: Option<String>,
    },
    /// Discards a run, by default the one that blocks the stack.
    Discard {
        stack: String,
        by: Option<String>,
        run: Option<String>,
    },
    /// Stops a run, by default the one that blocks the stack.
    Stop {
        stack: String,
        by: Option<String>,
        run: Option<String>,
    },
    /// Makes the stack's next tracked run fail, by default while it plans.
    Fail {
        stack: String,
        state: Option<RunState>,
    },
    /// Makes the stack's next tracked run be skipped.
    Skip {
        stack: String,
    },
    Lock {
        stack: String,
        by: Option<String>,
        note: Option<String>,
    },
    /// Unlocks the stack, by default as the lock's owner. Anyone else is refused.
    Unlock {
        stack: String,
        by: Option<String>,
    },
    Disable {
        stack: String,
    },
    Enable {
        stack: String,
    },
    /// Whether applies of the stack change the outputs that others refer to.
    Outputs {
        stack: String,
        change: bool,
    },
    /// Whether there are workers. Without workers, runs stay `READY`.
    Workers {
        present: bool,
    },
    /// Revokes the API key's access to a space and all below it.
    RevokeSpace {
        space: String,
    },
    GrantSpace {
        space: String,
    },
    Fault(FaultRequest),
    ClearFaults {},
}

/// A push to a repository, or to the repository of one stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PushRequest {
    /// `owner/name`.
    pub repository: Option<String>,
    /// Affects this stack only.
    pub stack: Option<String>,
    pub branch: Option<String>,
    pub commit: Option<String>,
    pub message: Option<String>,
    pub author: Option<String>,
    /// Affects the stacks of these files only; all stacks if there are none.
    pub paths: Vec<String>,
    /// When the commit was made, in Unix seconds.
    pub at: Option<i64>,
}

/// The result of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlAnswer {
    /// A message for people.
    pub text: String,
    /// The runs that were created or changed.
    pub runs: Vec<ControlledRun>,
    /// The commit that was pushed.
    pub commit: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlledRun {
    pub stack: StackId,
    pub run: RunId,
    pub state: RunState,
}
