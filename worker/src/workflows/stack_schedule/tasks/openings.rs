//! Opens the records of chains, a few at a time. A record that is not open gets no signals.

use chain::Reason;
use chain::schedule::Opening;
use temporal_client::contract::{ChainAudit, ChainInput, ScheduleInput, VERSION};
use temporalio_sdk::{ChildWorkflowOptions, ParentClosePolicy, WorkflowIdReusePolicy};

use super::super::super::StackDependencyChainWorkflow;
use super::super::Context;
use super::{ChainId, Done, Tasks};

/// How many chains are opened at once: their plans are sent to Temporal in one message, whose size is limited.
const OPENINGS_MAX: usize = 10;

impl Tasks {
    pub(in super::super) fn open(&mut self, ctx: &Context, input: &ScheduleInput, opening: Opening) {
        self.opening.insert(opening.chain.clone());
        self.waiting_openings.push_back(opening);
        self.open_waiting(ctx, input);
    }

    /// Opens as many chains as may be opened at once.
    pub(in super::super) fn open_waiting(&mut self, ctx: &Context, input: &ScheduleInput) {
        while self.opening.len() - self.waiting_openings.len() < OPENINGS_MAX {
            let Some(opening) = self.waiting_openings.pop_front() else {
                return;
            };
            self.open_now(ctx, input, opening);
        }
    }

    fn open_now(&mut self, ctx: &Context, input: &ScheduleInput, opening: Opening) {
        let chain = opening.chain.clone();
        let root = &opening.root;
        let options = ChildWorkflowOptions::builder()
            .workflow_id(chain.to_string())
            .parent_close_policy(ParentClosePolicy::Abandon)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicateFailedOnly)
            .static_summary(format!("What depends on {}", root.stack))
            .static_details(format!(
                "account `{}`, stack `{}`, run `{}`",
                root.account,
                root.stack,
                root.run.as_ref().map_or("to come", |run| run.as_str())
            ))
            .build();
        let (plan, refused) = match opening.plan {
            Ok(plan) => (Some(Box::new(plan)), None),
            Err(refusal) => (
                None,
                Some(Reason::new(refusal.code().to_owned(), refusal.to_string())),
            ),
        };
        let chain_input = ChainInput {
            version: VERSION,
            id: chain.clone(),
            root: opening.root,
            by: opening.by,
            timing: input.timing.clone(),
            chain: plan,
            refused,
            resume: None,
            audit: input.audited.then(ChainAudit::default),
            notified: input.notified,
            opened_at_ms: None,
            notice: None,
        };
        let ctx = ctx.clone();
        self.lost_with_history += 1;
        self.running.push(Box::pin(async move {
            let opened = ctx
                .start_child_workflow(StackDependencyChainWorkflow::run, chain_input, options)
                .await
                .is_ok();
            Done::Opened { chain, opened }
        }));
    }

    pub(in super::super) fn opened(&mut self, chain: &ChainId) {
        self.opening.remove(chain);
        self.lost_with_history -= 1;
    }
}
