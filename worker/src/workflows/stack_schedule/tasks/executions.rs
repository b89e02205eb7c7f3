//! Starts executions, one for each attempt, and waits for their ends.

use chain::schedule::Event;
use chain::{AttemptOutcome, AttemptRequest, StackId};
use temporal_client::contract::{ExecutionInput, ExecutionRef, ScheduleInput, VERSION};
use temporal_client::id;
use temporalio_sdk::{ChildWorkflowOptions, ParentClosePolicy, WorkflowIdReusePolicy};

use super::super::super::{StackExecutionWorkflow, unlimited_retries};
use super::super::Context;
use super::{Done, Task, Tasks, lost_attempt};
use crate::activities::Activities;

impl Tasks {
    pub(in super::super) fn attempt(
        &mut self,
        ctx: &Context,
        input: &ScheduleInput,
        request: AttemptRequest,
    ) {
        let stack = request.stack.clone();
        let options = ChildWorkflowOptions::builder()
            .workflow_id(id::execution(&input.account, &stack))
            .parent_close_policy(ParentClosePolicy::Abandon)
            .id_reuse_policy(WorkflowIdReusePolicy::AllowDuplicate)
            .static_summary(stack.to_string())
            .static_details(format!(
                "account `{}`, stack `{stack}`, for {} chains, the first {}",
                input.account,
                request.needs.len(),
                request.needs.first().map_or("-", |need| need.chain.as_str())
            ))
            .build();
        let execution = ExecutionInput {
            version: VERSION,
            request,
            timing: input.timing.clone(),
        };
        let (ctx, input) = (ctx.clone(), input.clone());
        self.lost_with_history += 1;
        self.running.push(Box::pin(async move {
            let started = ctx
                .start_child_workflow(StackExecutionWorkflow::run, execution, options)
                .await;
            let rest: Task = Box::pin(async move {
                let outcome = match started {
                    Ok(child) => child
                        .result()
                        .await
                        .unwrap_or_else(|error| lost_attempt(&error.to_string())),
                    // A lost schedule started an attempt at this stack that is still open: its outcome counts.
                    Err(_) => end_of_execution(&ctx, &input, &stack).await,
                };
                attempted(stack, outcome)
            });
            Done::Started { rest }
        }));
    }

    pub(in super::super) fn started(&mut self, rest: Task) {
        self.lost_with_history -= 1;
        self.running.push(rest);
    }

    /// Waits for executions that are not children of this history.
    pub(in super::super) fn await_executions(
        &mut self,
        ctx: &Context,
        input: &ScheduleInput,
        stacks: Vec<StackId>,
    ) {
        for stack in stacks {
            let (ctx, input) = (ctx.clone(), input.clone());
            self.running.push(Box::pin(async move {
                let outcome = end_of_execution(&ctx, &input, &stack).await;
                attempted(stack, outcome)
            }));
        }
    }
}

async fn end_of_execution(ctx: &Context, input: &ScheduleInput, stack: &StackId) -> AttemptOutcome {
    let request = ExecutionRef {
        account: input.account.clone(),
        stack: stack.clone(),
    };
    let options = unlimited_retries(&input.timing, format!("the attempt at {stack}"));
    match ctx
        .execute_activity(Activities::look_at_execution, request, options)
        .await
    {
        Ok(Some(outcome)) => outcome,
        Ok(None) => lost_attempt("its execution was ended by force"),
        Err(error) => lost_attempt(&error.to_string()),
    }
}

fn attempted(stack: StackId, outcome: AttemptOutcome) -> Done {
    Done::Event(Box::new(Event::Attempted { stack, outcome }))
}
