//! `RunNotifyWorkflow`: sends the messages about one run that labels of its stack ask for. It is a separate workflow, so
//! that no sink ever delays a stack.

use std::time::Duration;

use temporal_client::contract::{Deliveries, RunNotifyInput, SendRunNotices};
use temporalio_sdk::workflows::{workflow, workflow_methods};
use temporalio_sdk::{ContinueAsNewOptions, WorkflowContext, WorkflowContextView, WorkflowResult};
use tracing::warn;

use super::notify::patient_until_ms;
use super::{is_history_full, now_ms, unlimited_retries};
use crate::activities::Activities;

#[workflow]
pub struct RunNotifyWorkflow {
    input: RunNotifyInput,
}

#[workflow_methods]
impl RunNotifyWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, input: RunNotifyInput) -> Self {
        Self { input }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        loop {
            let input = ctx.state(|state| state.input.clone());
            let options = unlimited_retries(&input.timing, "messages about the run".to_owned());
            let request = SendRunNotices {
                messages: input.messages,
            };
            let sent = ctx
                .execute_activity(Activities::send_run_notices, request, options)
                .await?;
            ctx.state_mut(|state| state.input.messages = sent.left);
            let Some(next_at_ms) = sent.next_at_ms else {
                return Ok(());
            };
            let now = now_ms(ctx);
            let patient_until_ms = patient_until_ms(input.since_ms);
            if now >= patient_until_ms {
                if !ctx.is_replaying() {
                    warn!("Some sinks did not get their message about a run for a day; it is dropped");
                }
                return Ok(());
            }
            if is_history_full(ctx, &input.timing) {
                let next = ctx.state(|state| state.input.clone());
                ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
            }
            // A sink may have asked for a pause beyond the patience.
            let wake_at_ms = next_at_ms.min(patient_until_ms);
            let pause_ms = u64::try_from(wake_at_ms - now).unwrap_or(0).max(1);
            ctx.timer(Duration::from_millis(pause_ms)).await;
        }
    }

    /// What was delivered to each sink. `spillway doctor` asks.
    #[query]
    pub fn deliveries(&self, _ctx: &WorkflowContextView) -> Deliveries {
        let messages = self.input.messages.iter();
        messages
            .map(|message| (message.target.to_string(), message.delivery.clone()))
            .collect()
    }
}
