//! `HaltWorkflow`: while it is open, nothing is triggered in its account.

use temporal_client::contract::Halt;
use temporalio_sdk::workflows::{workflow, workflow_methods};
use temporalio_sdk::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

#[workflow]
pub struct HaltWorkflow {
    halt: Halt,
    lifted_by: Option<String>,
}

#[workflow_methods]
impl HaltWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, halt: Halt) -> Self {
        Self {
            halt,
            lifted_by: None,
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        ctx.state(|state| ctx.set_current_details(details(&state.halt)));
        ctx.wait_condition(|state: &HaltWorkflow| state.lifted_by.is_some())
            .await?;
        Ok(())
    }

    /// The first halt stays, unless it was lifted.
    #[signal]
    pub fn hold(&mut self, ctx: &mut SyncWorkflowContext<Self>, halt: Halt) {
        if self.lifted_by.take().is_some() {
            ctx.set_current_details(details(&halt));
            self.halt = halt;
        }
    }

    #[signal]
    pub fn lift(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: String) {
        self.lifted_by.get_or_insert(by);
    }

    /// Who halted the account, and why. `None` once the halt is over.
    #[query]
    pub fn state(&self, _ctx: &WorkflowContextView) -> Option<Halt> {
        self.lifted_by.is_none().then(|| self.halt.clone())
    }
}

fn details(halt: &Halt) -> String {
    format!("Halted by {halt}. `spillway go` lifts it.")
}
