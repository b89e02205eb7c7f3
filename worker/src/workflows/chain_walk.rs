//! `StackDependencyChainWorkflow`: walks one chain. It makes no choice: the plan was made once and is in history,
//! and `chain::walk` says what may start next.

mod executions;
mod log;

use std::collections::{BTreeMap, VecDeque};

use chain::walk::WalkError;
use chain::{Outcome, Reason, RunId, StackId, Walk, render};
use orchestrator::contract::{
    ChainInput, ChainOutcome, ChainReport, ChainResult, Control, ExecutionOutcome, ExecutionResult, Fetched,
    Planned, StackBegan, StackEnded,
};
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ApplicationFailure, ContinueAsNewOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView,
    WorkflowResult, WorkflowTermination,
};

use super::{now_ms, patient};
use crate::activities::Activities;
use crate::metrics;
use executions::{Execution, begin, first_to_end, inherit};
use log::Log;

#[workflow]
pub struct StackDependencyChainWorkflow {
    input: ChainInput,
    report: ChainReport,
    messages: VecDeque<Message>,
    /// How many executions are asked for and not begun. Temporal may drop those with the history that asked.
    beginning: usize,
    /// The ends that executions told themselves: those that an earlier history of this chain began.
    ended: BTreeMap<StackId, ExecutionOutcome>,
}

/// What was said to the chain and has not been heeded yet.
enum Message {
    Control(Control),
    StackHasRun(StackBegan),
}

#[workflow_methods]
impl StackDependencyChainWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, input: ChainInput) -> Self {
        let report = ChainReport {
            id: input.id.clone(),
            result: ChainResult::Planning,
            reason: None,
            walk: None,
        };
        Self {
            input,
            report,
            messages: VecDeque::new(),
            beginning: 0,
            ended: BTreeMap::new(),
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<ChainOutcome> {
        let (resume, audit) = ctx.state_mut(|state| (state.input.resume.take(), state.input.audit.take()));
        let input = ctx.state(|state| state.input.clone());
        let mut log = Log::new(&input, audit, resume.as_deref());
        let walk = if let Some(walk) = resume {
            *walk
        } else {
            let Fetched { planned, audited } = plan(ctx, &input).await?;
            if audited {
                log.begin();
            }
            match planned {
                Planned::Chain { chain } => {
                    log.started(now_ms(ctx));
                    Walk::new(*chain)
                }
                Planned::Refused { reason } => return refuse(ctx, log, reason).await,
            }
        };
        walk_to_the_end(ctx, &input, walk, log).await
    }

    #[signal]
    pub fn control(&mut self, _ctx: &mut SyncWorkflowContext<Self>, control: Control) {
        self.messages.push_back(Message::Control(control));
    }

    #[signal]
    pub fn stack_has_run(&mut self, _ctx: &mut SyncWorkflowContext<Self>, told: StackBegan) {
        self.messages.push_back(Message::StackHasRun(told));
    }

    #[signal]
    pub fn stack_has_ended(&mut self, _ctx: &mut SyncWorkflowContext<Self>, told: StackEnded) {
        self.ended.insert(told.stack, told.outcome);
    }

    #[query]
    pub fn state(&self, _ctx: &WorkflowContextView) -> ChainReport {
        self.report.clone()
    }
}

type Context = WorkflowContext<StackDependencyChainWorkflow>;

async fn plan(ctx: &mut Context, input: &ChainInput) -> WorkflowResult<Fetched> {
    let options = patient(&input.timing, format!("what depends on {}", input.root.stack));
    Ok(ctx
        .execute_activity(Activities::fetch_dependent_stacks, input.root.clone(), options)
        .await?)
}

async fn refuse(ctx: &mut Context, mut log: Log, reason: Reason) -> WorkflowResult<ChainOutcome> {
    ctx.set_current_details(format!("Refused: {reason}"));
    log.refused(&reason, now_ms(ctx));
    ctx.state_mut(|state| {
        state.report.result = ChainResult::Refused;
        state.report.reason = Some(reason);
    });
    while !log.is_written() {
        log.written(ctx).await?;
    }
    Ok(ctx.state(|state| state.report.clone()))
}

async fn walk_to_the_end(
    ctx: &mut Context,
    input: &ChainInput,
    mut walk: Walk,
    mut log: Log,
) -> WorkflowResult<ChainOutcome> {
    let mut running: Vec<Execution> = inherit(ctx, input, &walk);
    let mut is_ended = false;
    loop {
        while let Some(message) = ctx.state_mut(|state| state.messages.pop_front()) {
            heed(&mut walk, &mut log, message, now_ms(ctx));
        }
        // Before the history may end: the next one takes for recorded what is over.
        log.stacks_ended(&walk);
        let is_full = ctx.history_length() > input.timing.history_events && !walk.is_over();
        if is_full && ctx.state(|state| state.beginning == 0) {
            return go_on_in_a_new_history(ctx, input, walk, log);
        }
        if !is_full {
            for stack in walk.ready() {
                walk.start(&stack, now_ms(ctx)).map_err(broken)?;
                running.push(begin(ctx, input, &walk, &stack)?);
            }
        }
        let result = result_of(&walk);
        let is_over = running.is_empty() && walk.is_over();
        if is_over && !is_ended {
            is_ended = true;
            log.ended(result, now_ms(ctx));
            if !ctx.is_replaying() {
                metrics::chain_ended(result, &walk);
            }
        }
        publish(ctx, result, walk);
        if is_over && log.is_written() {
            return Ok(ctx.state(|state| state.report.clone()));
        }
        let mut over = None;
        select! {
            ended = first_to_end(&mut running) => over = Some(ended?),
            told = ctx.wait_condition(|state: &StackDependencyChainWorkflow| !state.messages.is_empty()) => {
                told?;
            }
            written = log.written(ctx) => written?,
            all_began = ctx.wait_condition(|state: &StackDependencyChainWorkflow| is_full && state.beginning == 0) => {
                all_began?;
            }
        }
        walk = ctx
            .state_mut(|state| state.report.walk.take())
            .ok_or_else(|| broken("the walk was lost"))?;
        if let Some((stack, executed)) = over {
            record(&mut walk, &mut log, &stack, executed, now_ms(ctx))?;
        }
    }
}

/// No history grows past Temporal's warnings. What runs, runs on: the next history asks to be told of its end.
fn go_on_in_a_new_history(
    ctx: &Context,
    input: &ChainInput,
    walk: Walk,
    log: Log,
) -> WorkflowResult<ChainOutcome> {
    let next = ChainInput {
        resume: Some(Box::new(walk)),
        audit: log.into_audit(),
        ..input.clone()
    };
    ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
    Err(broken("continue-as-new did not end this run"))
}

fn heed(walk: &mut Walk, log: &mut Log, message: Message, at_ms: i64) {
    match message {
        Message::Control(control) => {
            log.controlled(&control, at_ms);
            match control {
                Control::Pause { .. } => walk.pause(),
                Control::Resume { .. } => walk.resume(),
                Control::Cancel { by } => walk.cancel(&format!("by {by}"), at_ms),
            }
        }
        Message::StackHasRun(told) => {
            // A stack that has ended meanwhile has said which run it was.
            let _ = ran(walk, log, &told.stack, told.run, told.joined, at_ms);
            let _ = walk.note(&told.stack, told.waits_for);
        }
    }
}

/// The stack has a run: word of it may come before the end of the execution or with it.
fn ran(
    walk: &mut Walk,
    log: &mut Log,
    stack: &StackId,
    run: RunId,
    joined: bool,
    at_ms: i64,
) -> Result<(), WalkError> {
    let known = walk.stack(stack).and_then(|stack| stack.run.clone());
    walk.ran(stack, run.clone())?;
    if known.as_ref() != Some(&run) {
        log.stack_has_run(walk, stack, run, joined, at_ms);
    }
    Ok(())
}

fn record(
    walk: &mut Walk,
    log: &mut Log,
    stack: &StackId,
    executed: ExecutionOutcome,
    at_ms: i64,
) -> WorkflowResult<()> {
    log.stack_ran(stack, executed.commit.as_ref());
    if let Some(run) = executed.run {
        ran(walk, log, stack, run, executed.joined, at_ms).map_err(broken)?;
    }
    let outcome = match executed.result {
        ExecutionResult::Succeeded => Outcome::Succeeded,
        ExecutionResult::Failed { reason } => Outcome::Failed(reason),
        ExecutionResult::Skipped { reason } => Outcome::Skipped(reason),
    };
    walk.finish(stack, outcome, at_ms).map_err(broken)
}

fn result_of(walk: &Walk) -> ChainResult {
    if !walk.is_over() {
        if walk.is_paused() {
            ChainResult::Paused
        } else {
            ChainResult::Running
        }
    } else if walk
        .stopped()
        .is_some_and(|reason| reason.code == "chain_cancelled")
    {
        ChainResult::Cancelled
    } else if walk.counts().failed > 0 {
        ChainResult::Failed
    } else {
        ChainResult::Succeeded
    }
}

/// Shows where the chain is while it waits: to the query, and to people who look at the workflow in Temporal's UI. The
/// walk is lent, since a copy for each step of a long chain would make its replay slow.
fn publish(ctx: &Context, result: ChainResult, walk: Walk) {
    ctx.set_current_details(render::markdown(&walk));
    ctx.state_mut(|state| {
        state.report.result = result;
        state.report.walk = Some(walk);
    });
}

/// The walk refused a step that it had offered itself: a defect of ours, which must not pass as an outcome.
fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> WorkflowTermination {
    ApplicationFailure::non_retryable(error).into()
}
