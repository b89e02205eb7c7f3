//! `StackExecutionWorkflow`: one attempt to run one stack, for all causes that need it.

use chain::AttemptRequest;
use serde::{Deserialize, Serialize};

use crate::settings::Timing;

/// Input of `StackExecutionWorkflow`. Its output is a `chain::AttemptOutcome`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionInput {
    pub version: u32,
    pub request: AttemptRequest,
    pub timing: Timing,
}
