//! `StackExecutionWorkflow`: one attempt to run one stack, for all causes that need it.

use chain::{AccountName, AttemptRequest, StackId};
use serde::{Deserialize, Serialize};

use settings::Timing;

/// Input of `StackExecutionWorkflow`. Its output is a `chain::AttemptOutcome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionInput {
    pub version: u32,
    pub request: AttemptRequest,
    pub timing: Timing,
}

/// Input of the activity `look_at_execution`: the open attempt at a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionRef {
    pub account: AccountName,
    pub stack: StackId,
}
