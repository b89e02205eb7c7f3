//! `HaltWorkflow`: while it is open, nothing is triggered in its account.

use temporalio_sdk::workflows::{workflow, workflow_methods};
use temporalio_sdk::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

#[workflow]
pub struct HaltWorkflow {
    halted_by: String,
    lifted_by: Option<String>,
}

#[workflow_methods]
impl HaltWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, halted_by: String) -> Self {
        Self {
            halted_by,
            lifted_by: None,
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let by = ctx.state(|state| state.halted_by.clone());
        ctx.set_current_details(format!("Halted by {by}. `spillway go` lifts it."));
        ctx.wait_condition(|state: &HaltWorkflow| state.lifted_by.is_some())
            .await?;
        Ok(())
    }

    #[signal]
    pub fn lift(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: String) {
        self.lifted_by.get_or_insert(by);
    }
}
