//! `StackDependencyChainWorkflow`: the record and the face of one cause. It decides nothing: the schedule tells it what
//! became of its stacks.

mod log;

use std::collections::VecDeque;

use chain::{ChainRecord, ChainResult, Change, render};
use orchestrator::contract::{ChainInput, ChainReport};
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ContinueAsNewOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult,
};

use super::{is_history_full, now_ms};
use crate::metrics;
use log::Log;

#[workflow]
pub struct StackDependencyChainWorkflow {
    input: ChainInput,
    report: ChainReport,
    untaken: VecDeque<Change>,
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
            untaken: VecDeque::new(),
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<ChainReport> {
        let (input, audit) = ctx.state_mut(|state| (state.input.clone(), state.input.audit.take()));
        let mut log = Log::new(&input, audit);
        log.begin(now_ms(ctx));
        if let Some(reason) = &input.refused {
            ctx.set_current_details(format!("Refused: {reason}"));
        }
        let mut is_over = input.refused.is_some();
        loop {
            is_over |= take_in(ctx, &mut log);
            if is_over && log.is_written() {
                return Ok(ctx.state(|state| state.report.clone()));
            }
            if !is_over && is_history_full(ctx, &input.timing) && ctx.state(|state| state.untaken.is_empty())
            {
                let next = ChainInput {
                    resume: ctx.state(|state| state.report.record.clone()).map(Box::new),
                    audit: log.into_audit(),
                    ..input.clone()
                };
                ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
                return Ok(ctx.state(|state| state.report.clone()));
            }
            select! {
                told = ctx.wait_condition(|state: &StackDependencyChainWorkflow| !state.untaken.is_empty()) => told?,
                written = log.written(ctx) => written?,
            }
        }
    }

    #[signal]
    pub fn record(&mut self, _ctx: &mut SyncWorkflowContext<Self>, changes: Vec<Change>) {
        self.untaken.extend(changes);
    }

    #[query]
    pub fn state(&self, _ctx: &WorkflowContextView) -> ChainReport {
        self.report.clone()
    }
}

type Context = WorkflowContext<StackDependencyChainWorkflow>;

/// Writes down what the schedule told, and shows it. Says whether the chain is over.
fn take_in(ctx: &Context, log: &mut Log) -> bool {
    let changes: Vec<Change> = ctx.state_mut(|state| state.untaken.drain(..).collect());
    let details = ctx.state_mut(|state| {
        let record = state.report.record.as_mut()?;
        for change in &changes {
            record.apply(change);
            log.changed(record, change);
        }
        state.report.result = record.result();
        Some(render::markdown(record))
    });
    if let Some(details) = details {
        ctx.set_current_details(details);
    }
    let is_over = changes.iter().any(|change| matches!(change, Change::Over { .. }));
    if is_over && !ctx.is_replaying() {
        ctx.state(|state| {
            if let Some(record) = &state.report.record {
                metrics::chain_ended(state.report.result, record);
            }
        });
    }
    is_over
}
