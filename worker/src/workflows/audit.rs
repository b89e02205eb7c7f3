//! `AuditWorkflow`: writes a record to the audit log for a workflow that does not wait for the log.

use temporal_client::contract::AuditInput;
use temporalio_sdk::workflows::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowContextView, WorkflowResult};

use super::unlimited_retries;
use crate::activities::Activities;

#[workflow]
pub struct AuditWorkflow {
    input: AuditInput,
}

#[workflow_methods]
impl AuditWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, input: AuditInput) -> Self {
        Self { input }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        let AuditInput { record, timing, .. } = ctx.state(|state| state.input.clone());
        let options = unlimited_retries(&timing, "audit log".to_owned());
        ctx.execute_activity(Activities::write_audit_record, record, options)
            .await?;
        Ok(())
    }
}
