//! Waits for an attempt that is not a child of the schedule's current history.

use chain::AttemptOutcome;
use temporal_client::contract::ExecutionRef;
use temporalio_sdk::activities::ActivityError;

use super::Activities;
use crate::failure::temporal_error;

impl Activities {
    pub(super) async fn end_of_execution(
        &self,
        execution: &ExecutionRef,
    ) -> Result<Option<AttemptOutcome>, ActivityError> {
        self.workflows
            .end_of_execution(&execution.account, &execution.stack)
            .await
            .map_err(temporal_error)
    }
}
