//! `ReconcileWorkflow`: one sweep.

use orchestrator::contract::{SweepInput, SweepOutcome};
use temporalio_sdk::workflows::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowContextView, WorkflowResult};

use super::until_it_works;
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
        let options = until_it_works(&input.timing, "runs of which no webhook told".to_owned());
        let outcome = ctx
            .execute_activity(Activities::record_missed_runs, input.since_ms, options)
            .await?;
        ctx.set_current_details(format!(
            "Looked at {} runs; recorded {} of which no webhook had told",
            outcome.runs,
            outcome.recorded.len()
        ));
        Ok(outcome)
    }
}
