//! `ReconcileWorkflow`: one sweep.

use temporal_client::contract::{SweepInput, SweepOutcome};
use temporalio_sdk::workflows::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowContextView, WorkflowResult};

use super::unlimited_retries;
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

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<SweepOutcome> {
        let input = ctx.state(|state| state.input.clone());
        let options = unlimited_retries(&input.timing, "runs whose webhook was missed".to_owned());
        let outcome = ctx
            .execute_activity(Activities::record_missed_runs, input.since_ms, options)
            .await?;
        ctx.set_current_details(format!(
            "Checked {} runs; recorded {} whose webhook was missed",
            outcome.runs,
            outcome.recorded.len()
        ));
        Ok(outcome)
    }
}
