//! `ReconcileWorkflow`: one sweep.

use orchestrator::contract::{SweepInput, SweepOutcome};
use temporalio_sdk::workflows::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowContextView, WorkflowResult};

use super::counted;
use crate::activities::Activities;

#[workflow]
pub struct ReconcileWorkflow {
    input: SweepInput,
}

#[workflow_methods]
impl ReconcileWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, input: SweepInput) -> Self {
        Self { input }
    }

    /// A sweep that fails is not tried for ever: the next one finds the same runs.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<SweepOutcome> {
        let input = ctx.state(|state| state.input.clone());
        let options = counted(&input.timing, "runs of which nobody told".to_owned());
        let outcome = ctx
            .execute_activity(Activities::record_missed_runs, input.since_ms, options)
            .await?;
        ctx.set_current_details(format!(
            "Looked at {} stacks that others depend on; recorded {} runs",
            outcome.stacks,
            outcome.recorded.len()
        ));
        Ok(outcome)
    }
}
