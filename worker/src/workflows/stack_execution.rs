//! `StackExecutionWorkflow`: one attempt to run one stack. Its id is the stack's, so two can never be open at once.

use chain::AttemptOutcome;
use chain::error_text::root_cause;
use temporal_client::contract::ExecutionInput;
use temporalio_sdk::workflows::{workflow, workflow_methods};
use temporalio_sdk::{ActivityExecutionError, WorkflowContext, WorkflowContextView, WorkflowResult};

use super::one_try;
use crate::activities::Activities;

#[workflow]
pub struct StackExecutionWorkflow {
    input: ExecutionInput,
}

#[workflow_methods]
impl StackExecutionWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, input: ExecutionInput) -> Self {
        Self { input }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<AttemptOutcome> {
        let input = ctx.state(|state| state.input.clone());
        let stack = input.request.stack.clone();
        let options = one_try(stack.to_string());
        match ctx
            .execute_activity(Activities::trigger_stack_run, input.request, options)
            .await
        {
            Ok(outcome) => Ok(outcome),
            // The activity turns every error of Spacelift into an outcome. This error is ours: a worker that crashed,
            // Temporal, or a defect.
            Err(error @ ActivityExecutionError::Failed(_)) => Ok(AttemptOutcome::Trouble {
                message: root_cause(&error),
                in_doubt: true,
                again_in_ms: None,
            }),
            Err(error) => Err(error.into()),
        }
    }
}
