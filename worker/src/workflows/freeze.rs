//! `FreezeWorkflow`: while it is open, nothing that it covers is started.

use audit::{Action, Entry, Record};
use chain::freeze::Freeze;
use temporal_client::contract::FreezeInput;
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

use super::{now_ms, unlimited_retries};
use crate::activities::Activities;

#[workflow]
pub struct FreezeWorkflow {
    input: FreezeInput,
    lifted_by: Option<String>,
}

#[workflow_methods]
impl FreezeWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, input: FreezeInput) -> Self {
        Self {
            input,
            lifted_by: None,
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let input = ctx.state(|state| state.input.clone());
        ctx.set_current_details(format!("{}. `spillway thaw` lifts it.", input.freeze));
        write(ctx, &input, &input.freeze.by, Action::FreezeBegan).await?;
        let left_ms = input.freeze.until_ms - now_ms(ctx);
        let left = std::time::Duration::from_millis(u64::try_from(left_ms).unwrap_or(0).max(1));
        select! {
            lifted = ctx.wait_condition(|state: &FreezeWorkflow| state.lifted_by.is_some()) => lifted?,
            _ = ctx.timer(left) => {}
        }
        // From now on, the query must not report an open freeze.
        let by = ctx.state_mut(|state| state.lifted_by.get_or_insert_default().clone());
        if !by.is_empty() {
            write(ctx, &input, &by, Action::FreezeLifted).await?;
        }
        Ok(())
    }

    #[signal]
    pub fn thaw(&mut self, _ctx: &mut SyncWorkflowContext<Self>, by: String) {
        self.lifted_by.get_or_insert(by);
    }

    /// `None` once it is over.
    #[query]
    pub fn state(&self, _ctx: &WorkflowContextView) -> Option<Freeze> {
        self.lifted_by.is_none().then(|| self.input.freeze.clone())
    }
}

/// Writes to the audit log, if there is one.
async fn write(
    ctx: &WorkflowContext<FreezeWorkflow>,
    input: &FreezeInput,
    by: &str,
    action: Action,
) -> WorkflowResult<()> {
    let mut entry = Entry::new(now_ms(ctx), format!("operator:{by}"), action);
    entry.account = Some(input.account.clone());
    entry.reason = Some(chain::Reason::new(
        chain::ReasonCode::Freeze,
        input.freeze.to_string(),
    ));
    let options = unlimited_retries(&input.timing, "audit log".to_owned());
    ctx.execute_activity(Activities::write_audit_record, Record::unlinked(entry), options)
        .await?;
    Ok(())
}
