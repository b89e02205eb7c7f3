//! `StackExecutionWorkflow`: runs one stack, and waits for as long as its run takes.

use chain::{Reason, RunId, RunState};
use orchestrator::contract::{
    ExecutionInput, ExecutionOutcome, ExecutionResult, RunOver, StackBegan, StackEnded,
};
use orchestrator::definition::{StackHasEnded, StackHasRun};
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityExecutionError, SignalWorkflowOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView,
    WorkflowResult, WorkflowSignalError,
};

use super::{counted, patient};
use crate::activities::{Activities, RunRef, Survey, SurveyRequest, TriggerRequest, Triggered};

/// The version of inputs since which a chain is told what a run waits for.
const TELLS_OF_WAITING: u32 = 2;

#[workflow]
pub struct StackExecutionWorkflow {
    input: ExecutionInput,
    /// The end of a run of ours, told by the workflow that follows it.
    over: Option<RunOver>,
    /// The chain wants to be told of the end, since this is no child of its present history.
    reports_end: bool,
}

#[workflow_methods]
impl StackExecutionWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, input: ExecutionInput) -> Self {
        Self {
            input,
            over: None,
            reports_end: false,
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<ExecutionOutcome> {
        let input = ctx.state(|state| state.input.clone());
        let outcome = execute(ctx, &input).await?;
        if ctx.state(|state| state.reports_end) {
            tell_the_end(ctx, &input, &outcome).await?;
        }
        Ok(outcome)
    }

    #[signal]
    pub fn handle_completed_run(&mut self, _ctx: &mut SyncWorkflowContext<Self>, over: RunOver) {
        self.over.get_or_insert(over);
    }

    #[signal]
    pub fn handle_failed_run(&mut self, _ctx: &mut SyncWorkflowContext<Self>, over: RunOver) {
        self.over.get_or_insert(over);
    }

    #[signal]
    pub fn report_end(&mut self, _ctx: &mut SyncWorkflowContext<Self>, (): ()) {
        self.reports_end = true;
    }
}

type Context = WorkflowContext<StackExecutionWorkflow>;

/// What came of the wish to run the stack.
enum Begun {
    Run(Triggered),
    /// The run was over before the trigger's answer arrived.
    Over(RunOver),
    Not(Reason),
}

async fn execute(ctx: &mut Context, input: &ExecutionInput) -> WorkflowResult<ExecutionOutcome> {
    let survey = wait_until_free(ctx, input).await?;
    if let Some(reason) = survey.unfit {
        return Ok(ExecutionOutcome::without_run(ExecutionResult::Skipped { reason }));
    }
    ctx.set_current_details("Triggering the run");
    match trigger(ctx, input, survey.newest_run).await? {
        Begun::Run(triggered) => {
            tell_the_chain(ctx, input, &triggered, None).await?;
            wait_for_the_end(ctx, input, triggered).await
        }
        Begun::Over(over) => Ok(outcome(over, false)),
        Begun::Not(reason) => Ok(ExecutionOutcome::without_run(ExecutionResult::Failed { reason })),
    }
}

/// Waits while the stack is locked, or while an upstream stack outside the chain has a tracked run under way.
async fn wait_until_free(ctx: &mut Context, input: &ExecutionInput) -> WorkflowResult<Survey> {
    let mut looks = 0;
    loop {
        let request = SurveyRequest {
            stack: input.stack.clone(),
            outside: input.outside.clone(),
        };
        let options = patient(&input.timing, format!("may {} run?", input.stack));
        let survey = ctx
            .execute_activity(Activities::survey_stack, request, options)
            .await?;
        if survey.holds.is_empty() {
            return Ok(survey);
        }
        ctx.set_current_details(format!("Waiting: {}", survey.holds.join("; ")));
        ctx.timer(input.timing.poll_pause(looks)).await;
        looks += 1;
    }
}

async fn trigger(
    ctx: &mut Context,
    input: &ExecutionInput,
    newest_before: Option<RunId>,
) -> WorkflowResult<Begun> {
    let request = TriggerRequest {
        account: input.account.clone(),
        execution: input.id.clone(),
        stack: input.stack.clone(),
        commit: input.commit.clone(),
        heard_at_ms: input.heard_at_ms,
        newest_before,
    };
    let options = counted(&input.timing, input.stack.to_string());
    let triggered = select! {
        triggered = ctx.execute_activity(Activities::trigger_stack_run, request, options) => triggered,
        heard = ctx.wait_condition(|state: &StackExecutionWorkflow| state.over.is_some()) => {
            heard?;
            return Ok(ctx.state(|state| state.over.clone()).map_or_else(
                || Begun::Not(Reason::new("lost", "the end of its run was lost")),
                Begun::Over,
            ));
        }
    };
    match triggered {
        Ok(triggered) => Ok(Begun::Run(triggered)),
        Err(error @ ActivityExecutionError::Failed(_)) => Ok(Begun::Not(Reason::new(
            "trigger_failed",
            format!(
                "its run could not be triggered: {}",
                crate::failure::root_cause(&error)
            ),
        ))),
        Err(error) => Err(error.into()),
    }
}

/// So that people who look at the chain see which run it is, and what it waits for.
async fn tell_the_chain(
    ctx: &mut Context,
    input: &ExecutionInput,
    triggered: &Triggered,
    waits_for: Option<String>,
) -> WorkflowResult<()> {
    let Some(chain) = &input.chain else {
        return Ok(());
    };
    let told = StackBegan {
        stack: input.stack.clone(),
        run: triggered.run.clone(),
        joined: triggered.joined,
        waits_for,
    };
    let handle = ctx.external_workflow(chain.as_str(), None);
    gone_or_told(
        handle
            .signal(StackHasRun, told, SignalWorkflowOptions::default())
            .await,
    )
}

async fn tell_the_end(
    ctx: &mut Context,
    input: &ExecutionInput,
    outcome: &ExecutionOutcome,
) -> WorkflowResult<()> {
    let Some(chain) = &input.chain else {
        return Ok(());
    };
    let told = StackEnded {
        stack: input.stack.clone(),
        outcome: outcome.clone(),
    };
    let handle = ctx.external_workflow(chain.as_str(), None);
    gone_or_told(
        handle
            .signal(StackHasEnded, told, SignalWorkflowOptions::default())
            .await,
    )
}

/// A chain that is gone does not keep its stack from running.
fn gone_or_told(told: Result<(), WorkflowSignalError>) -> WorkflowResult<()> {
    match told {
        Ok(()) | Err(WorkflowSignalError::NotFound(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What a person has to do before the run goes on.
fn waits_for(state: &RunState) -> Option<&'static str> {
    match state {
        RunState::Unconfirmed => Some("waits for a confirmation"),
        RunState::PendingReview => Some("waits for a review"),
        _ => None,
    }
}

/// Waits for the signal that the run is over, and looks now and then. That can take days: a human may have to confirm.
async fn wait_for_the_end(
    ctx: &mut Context,
    input: &ExecutionInput,
    triggered: Triggered,
) -> WorkflowResult<ExecutionOutcome> {
    let subject = RunRef {
        stack: input.stack.clone(),
        run: triggered.run.clone(),
    };
    ctx.set_current_details(format!("Waiting for run {}", triggered.run));
    let mut looks = 0;
    let mut told = None;
    loop {
        // The end of another run is told only where metadata was forged or a run is ours by an earlier attempt;
        // the run that the trigger named is the one that counts.
        let over = ctx
            .state(|state| state.over.clone())
            .filter(|over| over.run == triggered.run);
        if let Some(over) = over {
            return Ok(outcome(over, triggered.joined));
        }
        // A run whose workflow is closed already is over, and nobody will signal: look at once.
        if !(looks == 0 && triggered.over_already) {
            ctx.state_mut(|state| state.over = None);
            select! {
                heard = ctx.wait_condition(|state: &StackExecutionWorkflow| state.over.is_some()) => {
                    heard?;
                    continue;
                }
                _ = ctx.timer(input.timing.poll_pause(looks)) => {}
            }
        }
        looks += 1;
        let options = patient(&input.timing, format!("{} of {}", subject.run, subject.stack));
        match ctx
            .execute_activity(Activities::look_at_run, subject.clone(), options)
            .await?
        {
            Some(facts) if facts.state.is_terminal() => {
                return Ok(outcome(
                    RunOver {
                        run: triggered.run,
                        state: facts.state,
                        commit: facts.commit,
                    },
                    triggered.joined,
                ));
            }
            Some(facts) => {
                let waits_for = waits_for(&facts.state);
                if waits_for != told && input.version >= TELLS_OF_WAITING {
                    told = waits_for;
                    let said = waits_for.unwrap_or("goes on");
                    ctx.set_current_details(format!("Run {} {said}", triggered.run));
                    tell_the_chain(ctx, input, &triggered, waits_for.map(str::to_owned)).await?;
                }
            }
            None => {
                return Ok(ExecutionOutcome {
                    result: ExecutionResult::Failed {
                        reason: Reason::new(
                            "run_gone",
                            format!("Spacelift no longer knows its run {}", triggered.run),
                        ),
                    },
                    run: Some(triggered.run),
                    joined: triggered.joined,
                    commit: None,
                });
            }
        }
    }
}

fn outcome(over: RunOver, joined: bool) -> ExecutionOutcome {
    let result = if over.state.succeeded() {
        ExecutionResult::Succeeded
    } else {
        let text = format!("its run ended as {}", over.state);
        ExecutionResult::Failed {
            reason: Reason::new("run_failed", text),
        }
    };
    ExecutionOutcome {
        result,
        run: Some(over.run),
        joined,
        commit: over.commit,
    }
}
