//! The executions of a chain's stacks: those that this history began, and those that an earlier one did.

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use chain::walk::WalkError;
use chain::{Reason, StackId, StackState, Walk};
use futures::FutureExt;
use futures::future::FusedFuture;
use orchestrator::ExecutionId;
use orchestrator::contract::{ChainInput, ExecutionInput, ExecutionOutcome, ExecutionResult, VERSION};
use orchestrator::definition::ReportEnd;
use temporalio_sdk::workflows::select;
use temporalio_sdk::{
    ChildWorkflowOptions, ParentClosePolicy, SignalWorkflowOptions, WorkflowIdReusePolicy, WorkflowResult,
};

use super::super::{StackExecutionWorkflow, patient};
use super::{Context, StackDependencyChainWorkflow, broken};
use crate::activities::Activities;

/// Ends with the execution of its stack.
pub(super) type Execution = Pin<Box<dyn Future<Output = WorkflowResult<(StackId, ExecutionOutcome)>>>>;

/// The execution of one stack, as a child workflow.
pub(super) fn begin(
    ctx: &Context,
    input: &ChainInput,
    walk: &Walk,
    stack: &StackId,
) -> WorkflowResult<Execution> {
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
        .static_details(format!(
            "account `{}`, stack `{}`, after run `{}` of `{}`",
            chain.root.account,
            stack.id,
            chain.root.run.as_ref().map_or("?", |run| run.as_str()),
            chain.root.stack
        ))
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
    ctx.state_mut(|state| state.beginning += 1);
    Ok(Box::pin(async move {
        let began = ctx
            .start_child_workflow(StackExecutionWorkflow::run, execution, options)
            .await;
        ctx.state_mut(|state| state.beginning -= 1);
        let executed = match began {
            Ok(started) => started.result().await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        let executed = executed.unwrap_or_else(|error| {
            ExecutionOutcome::without_run(ExecutionResult::Failed {
                reason: Reason::new("execution_failed", error),
            })
        });
        Ok((stack, executed))
    }))
}

/// The executions that an earlier history of the chain began, and that were not over when it ended.
pub(super) fn inherit(ctx: &Context, input: &ChainInput, walk: &Walk) -> Vec<Execution> {
    walk.progress()
        .iter()
        .filter(|stack| stack.state == StackState::Running)
        .map(|stack| {
            let (ctx, input, stack) = (ctx.clone(), input.clone(), stack.id.clone());
            let execution: Execution = Box::pin(async move {
                let outcome = end_of_inherited(&ctx, &input, &stack).await?;
                Ok((stack, outcome))
            });
            execution
        })
        .collect()
}

/// Its child is no longer ours, so Temporal does not tell of its end: it is asked to do so itself. It is looked at
/// too, at once where it cannot be asked any more, and now and then in case that it was ended by force.
async fn end_of_inherited(
    ctx: &Context,
    input: &ChainInput,
    stack: &StackId,
) -> WorkflowResult<ExecutionOutcome> {
    let id = ExecutionId::in_chain(&input.id, stack);
    let mut is_asked = ctx
        .external_workflow(id.as_str(), None)
        .signal(ReportEnd, (), SignalWorkflowOptions::default())
        .await
        .is_ok();
    loop {
        if is_asked {
            select! {
                told = ctx.wait_condition(|state: &StackDependencyChainWorkflow| state.ended.contains_key(stack)) => {
                    told?;
                }
                _ = ctx.timer(input.timing.poll_longest) => {}
            }
        }
        if let Some(outcome) = ctx.state(|state| state.ended.get(stack).cloned()) {
            return Ok(outcome);
        }
        is_asked = true;
        let options = patient(&input.timing, format!("has {stack} ended?"));
        if let Some(outcome) = ctx
            .execute_activity(Activities::look_at_execution, id.clone(), options)
            .await?
        {
            return Ok(outcome);
        }
    }
}

/// The first of the executions that ends, which is taken out of the list. They are polled in their order, so that
/// every replay sees the same one.
pub(super) fn first_to_end(
    running: &mut Vec<Execution>,
) -> impl FusedFuture<Output = WorkflowResult<(StackId, ExecutionOutcome)>> {
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
