//! `StackDependencyChainWorkflow`: walks one chain. It makes no choice: the plan was made once and is in history,
//! and `chain::walk` says what may start next.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use chain::walk::WalkError;
use chain::{Outcome, Reason, StackId, Walk, render};
use futures::FutureExt;
use futures::future::FusedFuture;
use orchestrator::ExecutionId;
use orchestrator::contract::{
    ChainInput, ChainOutcome, ChainReport, ChainResult, Control, ExecutionInput, ExecutionOutcome,
    ExecutionResult, Planned, StackRun, VERSION,
};
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ApplicationFailure, ChildWorkflowOptions, ContinueAsNewOptions, ParentClosePolicy, SyncWorkflowContext,
    WorkflowContext, WorkflowContextView, WorkflowIdReusePolicy, WorkflowResult, WorkflowTermination,
};

use super::{StackExecutionWorkflow, now_ms, patient};
use crate::activities::Activities;
use crate::metrics;

/// Temporal warns at 10,240 events. Past this many the chain goes on in a new history as soon as nothing runs.
const HISTORY_EVENTS: u32 = 8_000;
/// Past this many nothing new starts until what runs is done, so that the history can be changed. Temporal ends a
/// workflow at 51,200.
const HISTORY_EVENTS_MAX: u32 = 30_000;

#[workflow]
pub struct StackDependencyChainWorkflow {
    input: ChainInput,
    report: ChainReport,
    messages: VecDeque<Message>,
}

/// What was said to the chain and has not been heeded yet.
enum Message {
    Control(Control),
    StackHasRun(StackRun),
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
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<ChainOutcome> {
        let input = ctx.state(|state| state.input.clone());
        let walk = match input.resume.clone() {
            Some(walk) => *walk,
            None => match plan(ctx, &input).await? {
                Planned::Chain { chain } => Walk::new(*chain),
                Planned::Refused { reason } => return Ok(refuse(ctx, reason)),
            },
        };
        walk_to_the_end(ctx, &input, walk).await
    }

    #[signal]
    pub fn control(&mut self, _ctx: &mut SyncWorkflowContext<Self>, control: Control) {
        self.messages.push_back(Message::Control(control));
    }

    #[signal]
    pub fn stack_has_run(&mut self, _ctx: &mut SyncWorkflowContext<Self>, told: StackRun) {
        self.messages.push_back(Message::StackHasRun(told));
    }

    #[query]
    pub fn state(&self, _ctx: &WorkflowContextView) -> ChainReport {
        self.report.clone()
    }
}

type Context = WorkflowContext<StackDependencyChainWorkflow>;
type Execution = Pin<Box<dyn Future<Output = (StackId, ExecutionOutcome)>>>;

async fn plan(ctx: &mut Context, input: &ChainInput) -> WorkflowResult<Planned> {
    let options = patient(&input.timing, format!("what depends on {}", input.root.stack));
    Ok(ctx
        .execute_activity(Activities::fetch_dependent_stacks, input.root.clone(), options)
        .await?)
}

fn refuse(ctx: &mut Context, reason: Reason) -> ChainReport {
    ctx.set_current_details(format!("Refused: {reason}"));
    ctx.state_mut(|state| {
        state.report.result = ChainResult::Refused;
        state.report.reason = Some(reason);
        state.report.clone()
    })
}

async fn walk_to_the_end(
    ctx: &mut Context,
    input: &ChainInput,
    mut walk: Walk,
) -> WorkflowResult<ChainOutcome> {
    let mut running: Vec<Execution> = Vec::new();
    loop {
        while let Some(message) = ctx.state_mut(|state| state.messages.pop_front()) {
            heed(&mut walk, message, now_ms(ctx));
        }
        if ctx.history_length() < HISTORY_EVENTS_MAX {
            for stack in walk.ready() {
                walk.start(&stack, now_ms(ctx)).map_err(broken)?;
                running.push(execute(ctx, input, &walk, &stack)?);
            }
        }
        publish(ctx, &walk);
        if running.is_empty() && walk.is_over() {
            if !ctx.is_replaying() {
                metrics::chain_ended(ctx.state(|state| state.report.result), &walk);
            }
            return Ok(ctx.state(|state| state.report.clone()));
        }
        if running.is_empty() && ctx.history_length() > HISTORY_EVENTS {
            let next = ChainInput {
                resume: Some(Box::new(walk)),
                ..input.clone()
            };
            ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
            return Err(broken("continue-as-new did not end this run"));
        }
        select! {
            (stack, executed) = first_to_end(&mut running) => record(&mut walk, &stack, executed, now_ms(ctx))?,
            told = ctx.wait_condition(|state: &StackDependencyChainWorkflow| !state.messages.is_empty()) => {
                told?;
            }
        }
    }
}

fn heed(walk: &mut Walk, message: Message, at_ms: i64) {
    match message {
        Message::Control(Control::Pause { .. }) => walk.pause(),
        Message::Control(Control::Resume { .. }) => walk.resume(),
        Message::Control(Control::Cancel { by }) => walk.cancel(&format!("by {by}"), at_ms),
        Message::StackHasRun(told) => {
            // A stack that has ended meanwhile has said which run it was.
            let _ = walk.ran(&told.stack, told.run);
        }
    }
}

fn record(walk: &mut Walk, stack: &StackId, executed: ExecutionOutcome, at_ms: i64) -> WorkflowResult<()> {
    if let Some(run) = executed.run {
        walk.ran(stack, run).map_err(broken)?;
    }
    let outcome = match executed.result {
        ExecutionResult::Succeeded => Outcome::Succeeded,
        ExecutionResult::Failed { reason } => Outcome::Failed(reason),
        ExecutionResult::Skipped { reason } => Outcome::Skipped(reason),
    };
    walk.finish(stack, outcome, at_ms).map_err(broken)
}

/// Shows where the chain is: to the query, and to people who look at the workflow in Temporal's UI.
fn publish(ctx: &Context, walk: &Walk) {
    let result = if !walk.is_over() {
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
    };
    ctx.set_current_details(render::markdown(walk));
    ctx.state_mut(|state| {
        state.report.result = result;
        state.report.walk = Some(walk.clone());
    });
}

/// The walk refused a step that it had offered itself: a defect of ours, which must not pass as an outcome.
fn broken(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> WorkflowTermination {
    ApplicationFailure::non_retryable(error).into()
}

/// The execution of one stack, as a child workflow.
fn execute(ctx: &Context, input: &ChainInput, walk: &Walk, stack: &StackId) -> WorkflowResult<Execution> {
    let chain = walk.chain();
    let stack = chain
        .stack(stack)
        .ok_or_else(|| broken(WalkError::UnknownStack(stack.clone())))?;
    let id = ExecutionId::in_chain(&input.id, &stack.id);
    let options = ChildWorkflowOptions::builder()
        .workflow_id(id.to_string())
        .parent_close_policy(ParentClosePolicy::Abandon)
        .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
        .static_summary(stack.id.to_string())
        .build();
    let execution = ExecutionInput {
        version: VERSION,
        id,
        chain: Some(input.id.clone()),
        heard_at_ms: input.heard_at_ms.filter(|_| stack.upstream.is_empty()),
        account: chain.root.account.clone(),
        stack: stack.id.clone(),
        commit: stack.commit.sha.clone(),
        outside: stack.outside.clone(),
        timing: input.timing.clone(),
    };
    let (ctx, stack) = (ctx.clone(), stack.id.clone());
    Ok(Box::pin(async move {
        let executed = match ctx
            .start_child_workflow(StackExecutionWorkflow::run, execution, options)
            .await
        {
            Ok(started) => started.result().await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let executed = executed.unwrap_or_else(|error| ExecutionOutcome {
            result: ExecutionResult::Failed {
                reason: Reason::new("execution_failed", error),
            },
            run: None,
            joined: false,
        });
        (stack, executed)
    }))
}

/// The first of the executions that ends, which is taken out of the list. They are polled in their order, so that
/// every replay sees the same one.
fn first_to_end(running: &mut Vec<Execution>) -> impl FusedFuture<Output = (StackId, ExecutionOutcome)> {
    futures::future::poll_fn(move |cx| {
        for index in 0..running.len() {
            if let Poll::Ready(ended) = running[index].as_mut().poll(cx) {
                drop(running.remove(index));
                return Poll::Ready(ended);
            }
        }
        Poll::Pending
    })
    .fuse()
}
