//! The chain's notices for `NotifyWorkflow`.

use chain::Notice;
use temporal_client::contract::{ChainInput, NotifyInput, VERSION};
use temporal_client::definition::SendNotice;
use temporal_client::id;
use temporalio_sdk::{ChildWorkflowOptions, ParentClosePolicy, SignalWorkflowOptions, WorkflowIdReusePolicy};

use super::super::{NotifyWorkflow, now_ms};
use super::Context;

/// The last notice of a chain with messages.
pub(super) struct ChainNotices {
    notice: Notice,
}

impl ChainNotices {
    /// Starts the `NotifyWorkflow`, or continues from an earlier history. `None` if no messages are sent.
    pub(super) async fn begin(ctx: &Context, input: &ChainInput) -> Option<Self> {
        if let Some(notice) = &input.notice {
            return Some(Self {
                notice: notice.clone(),
            });
        }
        if !input.notified {
            return None;
        }
        let (id, root, by) = (input.id.clone(), input.root.clone(), input.by.clone());
        let notice = ctx.state(|state| {
            let record = state.report.record.as_ref();
            Notice::begin(id, root, by, input.refused.clone(), record, now_ms(ctx))
        });
        let options = ChildWorkflowOptions::builder()
            .workflow_id(id::notify(&input.id))
            .parent_close_policy(ParentClosePolicy::Abandon)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicateFailedOnly)
            .static_summary(format!("Messages about the chain of {}", input.root.stack))
            .build();
        let notify = NotifyInput {
            version: VERSION,
            notice: notice.clone(),
            timing: input.timing.clone(),
            deliveries: Default::default(),
        };
        // It fails if the chain was reset: its messages then continue.
        let _ = ctx
            .start_child_workflow(NotifyWorkflow::run, notify, options)
            .await;
        Some(Self { notice })
    }

    /// Sends a notice if something changed that is part of messages.
    pub(super) async fn send_changes(&mut self, ctx: &Context) {
        let now_ms = now_ms(ctx);
        let differs = ctx.state(|state| {
            let record = state.report.record.as_ref();
            record.is_some_and(|record| self.notice.update(record, now_ms))
        });
        if !differs {
            return;
        }
        let notify = ctx.external_workflow(id::notify(&self.notice.chain), None);
        // The workflow may have ended, and a chain does not depend on its messages.
        let _ = notify
            .signal(SendNotice, self.notice.clone(), SignalWorkflowOptions::default())
            .await;
    }

    /// The state for the next history.
    pub(super) fn into_notice(self) -> Notice {
        self.notice
    }
}
