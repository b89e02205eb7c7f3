//! Waiting for an attempt that is no child of the schedule's present history.

use chain::{AccountName, AttemptOutcome, StackId};
use serde::{Deserialize, Serialize};
use temporalio_sdk::activities::ActivityError;

use super::Activities;
use crate::failure::temporal_error;

/// The attempt at a stack that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionRef {
    pub account: AccountName,
    pub stack: StackId,
}

impl Activities {
    pub(super) async fn end_of_execution(
        &self,
        execution: &ExecutionRef,
    ) -> Result<Option<AttemptOutcome>, ActivityError> {
        self.orchestrator
            .end_of_execution(&execution.account, &execution.stack)
            .await
            .map_err(temporal_error)
    }
}
