//! Looking at the execution of a stack that is no child of the chain's present history.

use orchestrator::contract::ExecutionOutcome;
use orchestrator::{ExecutionId, Orchestrator};
use temporalio_sdk::activities::ActivityError;

use crate::failure::temporal_error;

pub(super) async fn look(
    orchestrator: &Orchestrator,
    id: &ExecutionId,
) -> Result<Option<ExecutionOutcome>, ActivityError> {
    orchestrator.execution(id).await.map_err(temporal_error)
}
