//! `FreezeWorkflow`: while it is open, nothing that it covers is started.
//!
//! Other workflows write its audit log, so that it ends when the freeze is over. Otherwise no new freeze could begin
//! while the log is down.

use audit::{Action, Entry, Record};
use chain::freeze::Freeze;
use settings::Timing;
use temporal_client::contract::{AuditInput, FreezeInput, VERSION};
use temporal_client::id;
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ChildWorkflowOptions, ParentClosePolicy, SyncWorkflowContext, WorkflowContext, WorkflowContextView,
    WorkflowIdReusePolicy, WorkflowResult,
};

use super::{AuditWorkflow, now_ms, unlimited_retries};
use crate::activities::Activities;

/// The change since which other workflows write the audit log.
const HANDS_OVER_RECORDS: &str = "hands-over-records";

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
        // Histories from before the change wait for the log.
        let hands_over = ctx.patched(HANDS_OVER_RECORDS);
        let audit = async |by: &str, action| {
            let record = record(ctx, &input, by, action);
            if hands_over {
                hand_over(ctx, &input, action, record).await;
                return Ok(());
            }
            write(ctx, &input.timing, record).await
        };
        audit(&input.freeze.by, Action::FreezeBegan).await?;
        let left_ms = input.freeze.until_ms - now_ms(ctx);
        let left = std::time::Duration::from_millis(u64::try_from(left_ms).unwrap_or(0).max(1));
        select! {
            lifted = ctx.wait_condition(|state: &FreezeWorkflow| state.lifted_by.is_some()) => lifted?,
            _ = ctx.timer(left) => {}
        }
        // From now on, the query must not report an open freeze.
        let by = ctx.state_mut(|state| state.lifted_by.get_or_insert_default().clone());
        if !by.is_empty() {
            audit(&by, Action::FreezeLifted).await?;
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

type Context = WorkflowContext<FreezeWorkflow>;

fn record(ctx: &Context, input: &FreezeInput, by: &str, action: Action) -> Record {
    let mut entry = Entry::new(now_ms(ctx), format!("operator:{by}"), action);
    entry.account = Some(input.account.clone());
    entry.reason = Some(chain::Reason::new(
        chain::ReasonCode::Freeze,
        input.freeze.to_string(),
    ));
    Record::unlinked(entry)
}

/// Has another workflow write to the audit log, if there is one.
async fn hand_over(ctx: &Context, input: &FreezeInput, action: Action, record: Record) {
    let options = ChildWorkflowOptions::builder()
        .workflow_id(id::audit(&input.account, ctx.run_id(), action.as_str()))
        .parent_close_policy(ParentClosePolicy::Abandon)
        .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicateFailedOnly)
        .static_summary(format!("Audit log: {action} in {}", input.account))
        .build();
    let audit = AuditInput {
        version: VERSION,
        record,
        timing: input.timing.clone(),
    };
    // It fails only if that workflow exists already.
    let _ = ctx.start_child_workflow(AuditWorkflow::run, audit, options).await;
}

/// Writes to the audit log, if there is one.
async fn write(ctx: &Context, timing: &Timing, record: Record) -> WorkflowResult<()> {
    let options = unlimited_retries(timing, "audit log".to_owned());
    ctx.execute_activity(Activities::write_audit_record, record, options)
        .await?;
    Ok(())
}
