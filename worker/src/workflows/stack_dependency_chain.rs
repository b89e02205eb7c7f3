//! `StackDependencyChainWorkflow`: the record of one cause, and the workflow that people query. It decides nothing: the
//! schedule signals the changes of its stacks.

mod log;
mod notices;
mod orders;

use std::collections::VecDeque;

use chain::{ChainRecord, ChainResult, Change, render};
use temporal_client::contract::{ChainInput, ChainReport};
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ContinueAsNewOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult,
};

use super::{is_history_full, now_ms};
use crate::metrics;
use crate::traces::{self, Times};
use log::Log;
use notices::ChainNotices;

#[workflow]
pub struct StackDependencyChainWorkflow {
    input: ChainInput,
    report: ChainReport,
    pending: VecDeque<Change>,
    orders: VecDeque<serde_json::Value>,
}

#[workflow_methods]
impl StackDependencyChainWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, mut input: ChainInput) -> Self {
        let resumed = input.resume.take().map(|record| *record);
        let record = resumed.or_else(|| {
            let chain = input.chain.take()?;
            Some(ChainRecord::new(input.id.clone(), *chain))
        });
        let report = ChainReport {
            id: input.id.clone(),
            root: input.root.clone(),
            by: input.by.clone(),
            result: record.as_ref().map_or(ChainResult::Refused, ChainRecord::result),
            reason: input.refused.clone(),
            record,
        };
        Self {
            input,
            report,
            pending: VecDeque::new(),
            orders: VecDeque::new(),
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<ChainReport> {
        let (input, audit) = ctx.state_mut(|state| (state.input.clone(), state.input.audit.take()));
        let mut log = Log::new(&input, audit);
        log.begin(now_ms(ctx));
        let opened_at_ms = input.opened_at_ms.unwrap_or_else(|| now_ms(ctx));
        let mut notices = ChainNotices::begin(ctx, &input).await;
        if let Some(reason) = &input.refused {
            ctx.set_current_details(format!("Refused: {reason}"));
            if !ctx.is_replaying() {
                let times = Times {
                    opened_at_ms,
                    over_at_ms: now_ms(ctx),
                };
                ctx.state(|state| traces::chain_ended(&state.report, times));
            }
        }
        let mut is_over = input.refused.is_some();
        loop {
            is_over |= apply_changes(ctx, &mut log, opened_at_ms);
            orders::carry_out(ctx, &mut log).await;
            if let Some(notices) = &mut notices {
                notices.send_changes(ctx).await;
            }
            if is_over && log.is_written() {
                return Ok(ctx.state(|state| state.report.clone()));
            }
            let may_continue =
                !is_over && is_history_full(ctx, &input.timing) && !ctx.state(Self::has_signals);
            if may_continue && !log.holds_history(ctx) {
                let next = ChainInput {
                    resume: ctx.state(|state| state.report.record.clone()).map(Box::new),
                    audit: log.into_audit(),
                    notice: notices.map(ChainNotices::into_notice),
                    opened_at_ms: Some(opened_at_ms),
                    ..input.clone()
                };
                ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
                return Ok(ctx.state(|state| state.report.clone()));
            }
            select! {
                received = ctx.wait_condition(Self::has_signals) => received?,
                written = log.written(ctx) => written?,
            }
        }
    }

    #[signal]
    pub fn record(&mut self, _ctx: &mut SyncWorkflowContext<Self>, changes: Vec<Change>) {
        self.pending.extend(changes);
    }

    /// Parsed later: an order that cannot be parsed must not stop the chain.
    #[signal]
    pub fn order(&mut self, _ctx: &mut SyncWorkflowContext<Self>, order: serde_json::Value) {
        self.orders.push_back(order);
    }

    #[query]
    pub fn state(&self, _ctx: &WorkflowContextView) -> ChainReport {
        self.report.clone()
    }
}

impl StackDependencyChainWorkflow {
    fn has_signals(&self) -> bool {
        !self.pending.is_empty() || !self.orders.is_empty()
    }
}

type Context = WorkflowContext<StackDependencyChainWorkflow>;

/// Applies changes to the record, and shows the result.
fn apply(ctx: &Context, log: &mut Log, changes: &[Change]) {
    let details = ctx.state_mut(|state| {
        let record = state.report.record.as_mut()?;
        for change in changes {
            record.apply(change);
            log.changed(record, change);
        }
        state.report.result = record.result();
        Some(render::markdown(record))
    });
    if let Some(details) = details {
        ctx.set_current_details(details);
    }
}

/// Applies the changes that the schedule signalled. Returns whether the chain is over.
fn apply_changes(ctx: &Context, log: &mut Log, opened_at_ms: i64) -> bool {
    let changes: Vec<Change> = ctx.state_mut(|state| state.pending.drain(..).collect());
    apply(ctx, log, &changes);
    let over_at_ms = changes.iter().find_map(|change| match change {
        Change::Over { at_ms } => Some(*at_ms),
        _ => None,
    });
    if let Some(over_at_ms) = over_at_ms.filter(|_| !ctx.is_replaying()) {
        ctx.state(|state| {
            if let Some(record) = &state.report.record {
                metrics::chain_ended(state.report.result, record);
            }
            let times = Times {
                opened_at_ms,
                over_at_ms,
            };
            traces::chain_ended(&state.report, times);
        });
    }
    over_at_ms.is_some()
}
