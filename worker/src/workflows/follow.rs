//! `SpaceliftWebhookWorkflow`: follows one run to its end, and hands the end on.

use chain::{Root, RunId, RunType};
use orchestrator::contract::{
    ChainInput, Claim, EventType, ExecutionInput, ExecutionResult, FollowInput, FollowOutcome, HandedOn,
    HeardEvent, RunOver, Subject, VERSION,
};
use orchestrator::definition::{HandleCompletedRun, HandleFailedRun};
use orchestrator::{ChainId, ExecutionId};
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ChildWorkflowOptions, ChildWorkflowStartError, ParentClosePolicy, SignalWorkflowOptions,
    SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowIdReusePolicy, WorkflowResult,
    WorkflowSignalError,
};

use super::{StackDependencyChainWorkflow, StackExecutionWorkflow, patient};
use crate::activities::{Activities, RunFacts, RunRef};

const CLAIM_WAIT_PIECES: u32 = 4;

#[workflow]
pub struct SpaceliftWebhookWorkflow {
    input: FollowInput,
    /// The newest that was heard of the run, in the order of Spacelift's own versions.
    latest: Option<HeardEvent>,
    /// The executions that claimed the run, in the order in which they did.
    claims: Vec<ExecutionId>,
}

#[workflow_methods]
impl SpaceliftWebhookWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, input: FollowInput) -> Self {
        Self {
            input,
            latest: None,
            claims: Vec::new(),
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<FollowOutcome> {
        let input = ctx.state(|state| state.input.clone());
        match input.subject.clone() {
            Subject::Run { run } => follow(ctx, &input, run).await,
            Subject::Request { .. } => run_on_request(ctx, &input).await,
        }
    }

    #[signal]
    pub fn record_event(&mut self, _ctx: &mut SyncWorkflowContext<Self>, heard: HeardEvent) {
        let is_newer = |latest: &HeardEvent| heard.event.supersedes(&latest.event);
        if self.latest.as_ref().is_none_or(is_newer) {
            self.latest = Some(heard);
        }
    }

    #[signal]
    pub fn claim_run(&mut self, _ctx: &mut SyncWorkflowContext<Self>, claim: Claim) {
        if !self.claims.contains(&claim.execution) {
            self.claims.push(claim.execution);
        }
    }
}

impl SpaceliftWebhookWorkflow {
    fn heard_the_end(&self) -> bool {
        self.latest
            .as_ref()
            .is_some_and(|heard| heard.event.state.is_terminal())
    }
}

type Context = WorkflowContext<SpaceliftWebhookWorkflow>;

async fn follow(ctx: &mut Context, input: &FollowInput, run: RunId) -> WorkflowResult<FollowOutcome> {
    let subject = RunRef {
        stack: input.stack.clone(),
        run: run.clone(),
    };
    let Some(facts) = wait_for_the_end(ctx, input, &subject).await? else {
        return Ok(FollowOutcome {
            event: EventType::Failed,
            stack: subject.stack,
            run: Some(run),
            state: None,
            handed_on: HandedOn::Nobody {
                reason: "Spacelift knows no such run".to_owned(),
            },
        });
    };
    add_owner_from_metadata(ctx, &facts, input);
    if facts.own {
        wait_for_a_claim(ctx, input).await?;
    }
    let handed_on = hand_on(ctx, input, &run, &facts).await?;
    Ok(FollowOutcome {
        event: EventType::of(&facts.state),
        stack: subject.stack,
        run: Some(run),
        state: Some(facts.state),
        handed_on,
    })
}

/// Runs the stack that is asked for, and then its chain.
async fn run_on_request(ctx: &mut Context, input: &FollowInput) -> WorkflowResult<FollowOutcome> {
    let id = ExecutionId::of_request(ctx.workflow_id(), &input.stack);
    let options = ChildWorkflowOptions::builder()
        .workflow_id(id.to_string())
        .parent_close_policy(ParentClosePolicy::Abandon)
        .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
        .static_summary(input.stack.to_string())
        .static_details(format!("account `{}`, stack `{}`", input.account, input.stack))
        .build();
    let execution = ExecutionInput {
        version: VERSION,
        id,
        chain: None,
        heard_at_ms: None,
        account: input.account.clone(),
        stack: input.stack.clone(),
        commit: None,
        outside: Vec::new(),
        timing: input.timing.clone(),
    };
    let started = ctx
        .start_child_workflow(StackExecutionWorkflow::run, execution, options)
        .await?;
    let executed = started.result().await?;
    let nobody = |reason: String| FollowOutcome {
        event: EventType::Failed,
        stack: input.stack.clone(),
        run: executed.run.clone(),
        state: None,
        handed_on: HandedOn::Nobody { reason },
    };
    if let ExecutionResult::Failed { reason } | ExecutionResult::Skipped { reason } = &executed.result {
        return Ok(nobody(reason.text.clone()));
    }
    let Some(run) = executed.run.clone() else {
        return Ok(nobody("its execution ended without a run".to_owned()));
    };
    let subject = RunRef {
        stack: input.stack.clone(),
        run: run.clone(),
    };
    let options = patient(&input.timing, format!("{run} of {}", input.stack));
    let Some(facts) = ctx
        .execute_activity(Activities::look_at_run, subject, options)
        .await?
    else {
        return Ok(nobody("Spacelift no longer knows its run".to_owned()));
    };
    let handed_on = start_chain(ctx, input, &run, &facts).await?;
    Ok(FollowOutcome {
        event: EventType::of(&facts.state),
        stack: input.stack.clone(),
        run: Some(run),
        state: Some(facts.state),
        handed_on,
    })
}

/// Waits for an event that says that the run is over, and asks Spacelift now and then, since webhooks get lost.
/// Whatever was heard, the facts are Spacelift's own. `None` is a run that it does not know.
async fn wait_for_the_end(
    ctx: &mut Context,
    input: &FollowInput,
    subject: &RunRef,
) -> WorkflowResult<Option<RunFacts>> {
    let mut looks = 0;
    loop {
        select! {
            heard = ctx.wait_condition(SpaceliftWebhookWorkflow::heard_the_end) => heard?,
            _ = ctx.timer(input.timing.poll_pause(looks)) => {}
        }
        looks += 1;
        let options = patient(&input.timing, format!("{} of {}", subject.run, subject.stack));
        match ctx
            .execute_activity(Activities::look_at_run, subject.clone(), options)
            .await?
        {
            Some(facts) if !facts.state.is_terminal() => {
                // What was heard is ahead of what Spacelift's API says: it is not the last word, so look again.
                ctx.state_mut(|state| state.latest = None);
            }
            facts => return Ok(facts),
        }
    }
}

/// Metadata is believed only of a run of that stack that our own key triggered: anyone who may trigger runs can
/// write it.
fn add_owner_from_metadata(ctx: &mut Context, facts: &RunFacts, input: &FollowInput) {
    if !facts.own {
        return;
    }
    ctx.state_mut(|state| {
        let named = state.latest.iter().flat_map(|heard| &heard.event.metadata);
        let executions: Vec<ExecutionId> = named
            .filter_map(|text| ExecutionId::from_metadata(text))
            .collect();
        for execution in executions {
            if execution.stack() == &input.stack && !state.claims.contains(&execution) {
                state.claims.push(execution);
            }
        }
    });
}

/// A run of our own key belongs to an execution that may not have said so yet: its worker may have died between the
/// trigger and the claim, and the next attempt claims the run.
///
/// The wait is made of pieces, since time passes for Temporal while no worker lives. A piece begins only when a worker
/// has seen the end of the one before, so most of the wait is time in which an attempt could claim.
async fn wait_for_a_claim(ctx: &mut Context, input: &FollowInput) -> WorkflowResult<()> {
    for _ in 0..CLAIM_WAIT_PIECES {
        select! {
            claimed = ctx.wait_condition(|state: &SpaceliftWebhookWorkflow| !state.claims.is_empty()) => {
                claimed?;
                break;
            }
            _ = ctx.timer(input.timing.claim_wait / CLAIM_WAIT_PIECES) => {}
        }
    }
    Ok(())
}

async fn hand_on(
    ctx: &mut Context,
    input: &FollowInput,
    run: &RunId,
    facts: &RunFacts,
) -> WorkflowResult<HandedOn> {
    let executions = tell_executions(ctx, run, facts).await?;
    if !executions.is_empty() {
        return Ok(HandedOn::Executions { executions });
    }
    if let Some(reason) = why_no_chain(input, facts) {
        return Ok(HandedOn::Nobody { reason });
    }
    start_chain(ctx, input, run, facts).await
}

/// A claim may come while others are told, so the list is walked by its index to its end.
async fn tell_executions(
    ctx: &mut Context,
    run: &RunId,
    facts: &RunFacts,
) -> WorkflowResult<Vec<ExecutionId>> {
    let mut told = Vec::new();
    while let Some(execution) = ctx.state(|state| state.claims.get(told.len()).cloned()) {
        let handle = ctx.external_workflow(execution.as_str(), None);
        let over = RunOver {
            run: run.clone(),
            state: facts.state.clone(),
            commit: facts.commit.clone(),
        };
        let sent = if facts.state.succeeded() {
            handle
                .signal(HandleCompletedRun, over, SignalWorkflowOptions::default())
                .await
        } else {
            handle
                .signal(HandleFailedRun, over, SignalWorkflowOptions::default())
                .await
        };
        match sent {
            // An execution that is over has learnt of the end by its own poll.
            Ok(()) | Err(WorkflowSignalError::NotFound(_)) => told.push(execution),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(told)
}

fn why_no_chain(input: &FollowInput, facts: &RunFacts) -> Option<String> {
    if facts.run_type != RunType::Tracked {
        return Some(format!("a {} run starts no chain", facts.run_type));
    }
    if facts.drift_detection && !input.timing.drift_runs {
        return Some("a drift run starts no chain unless `drift_runs` is set".to_owned());
    }
    if !facts.state.succeeded() {
        return Some(format!(
            "it ended as {}, and only a run that finished starts a chain",
            facts.state
        ));
    }
    None
}

async fn start_chain(
    ctx: &mut Context,
    input: &FollowInput,
    run: &RunId,
    facts: &RunFacts,
) -> WorkflowResult<HandedOn> {
    let chain = ChainId::of_root_run(&input.account, run);
    let root = Root {
        account: input.account.clone(),
        stack: input.stack.clone(),
        run: Some(run.clone()),
        branch: facts.branch.clone(),
        commit: facts.commit.clone(),
    };
    let options = ChildWorkflowOptions::builder()
        .workflow_id(chain.to_string())
        .parent_close_policy(ParentClosePolicy::Abandon)
        .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
        .static_summary(format!("What depends on {}", input.stack))
        .static_details(format!(
            "account `{}`, stack `{}`, run `{run}`",
            input.account, input.stack
        ))
        .build();
    let asked_by = match &input.subject {
        Subject::Request { requested_by } => requested_by.clone(),
        Subject::Run { .. } => None,
    };
    let chain_input = ChainInput {
        version: VERSION,
        id: chain.clone(),
        root,
        timing: input.timing.clone(),
        heard_at_ms: ctx.state(|state| state.latest.as_ref().and_then(|heard| heard.heard_at_ms)),
        resume: None,
        started_by: asked_by.or_else(|| facts.triggered_by.clone()),
        audit: None,
    };
    match ctx
        .start_child_workflow(StackDependencyChainWorkflow::run, chain_input, options)
        .await
    {
        // The chain of this run was started before: by the sweep, or by hand.
        Ok(_) | Err(ChildWorkflowStartError::StartFailed { .. }) => Ok(HandedOn::Chain { chain }),
        Err(error) => Err(error.into()),
    }
}
