//! `SpaceliftWebhookWorkflow`: follows one run to its end and tells the schedule; or hands one request on.

use chain::{ChainId, RunId, StackId};
use orchestrator::contract::{
    FollowInput, FollowOutcome, FollowResult, ReceivedEvent, RunLook, RunLookRequest, RunRef,
    ScheduleMessage, Subject,
};
use orchestrator::definition::TellSchedule;
use orchestrator::id;
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ContinueAsNewOptions, SignalWorkflowOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView,
    WorkflowResult,
};

use super::{is_history_full, until_it_works};
use crate::activities::{Activities, RunRequested};

#[workflow]
pub struct SpaceliftWebhookWorkflow {
    input: FollowInput,
    /// The newest event of the run, in the order of Spacelift's own versions.
    latest: Option<ReceivedEvent>,
    /// Something came in that a look has to confirm.
    must_look: bool,
}

#[workflow_methods]
impl SpaceliftWebhookWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, input: FollowInput) -> Self {
        Self {
            input,
            latest: None,
            must_look: false,
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<FollowOutcome> {
        let input = ctx.state(|state| state.input.clone());
        match input.subject.clone() {
            Subject::Run { run } => follow(ctx, input, run).await,
            Subject::Request { id, request } => {
                let chain = ChainId::of_request(&input.account, &id);
                let options = until_it_works(&input.timing, format!("{}, by request", input.stack));
                let requested = RunRequested {
                    account: input.account,
                    chain,
                    request,
                };
                let result = ctx
                    .execute_activity(Activities::request_stack_run, requested, options)
                    .await?;
                Ok(outcome(&input.stack, None, result))
            }
        }
    }

    #[signal]
    pub fn record_event(&mut self, _ctx: &mut SyncWorkflowContext<Self>, received: ReceivedEvent) {
        let is_newer = |latest: &ReceivedEvent| received.event.supersedes(&latest.event);
        if self.latest.as_ref().is_none_or(is_newer) {
            let state = &received.event.state;
            self.must_look |= state.is_terminal() || chain::attempt::waits_for_person(state).is_some();
            self.latest = Some(received);
        }
    }

    /// Whoever says so, the run is looked at.
    #[signal]
    pub fn handle_completed_run(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _run: RunRef) {
        self.must_look = true;
    }

    #[signal]
    pub fn look(&mut self, _ctx: &mut SyncWorkflowContext<Self>, (): ()) {
        self.must_look = true;
    }

    /// Whoever says so, the run is looked at.
    #[signal]
    pub fn handle_failed_run(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _run: RunRef) {
        self.must_look = true;
    }
}

type Context = WorkflowContext<SpaceliftWebhookWorkflow>;

/// Waits for word that the run is over or waits for a person, and looks now and then, since webhooks get lost. Whatever
/// came in, the facts are Spacelift's own.
async fn follow(ctx: &mut Context, mut input: FollowInput, run: RunId) -> WorkflowResult<FollowOutcome> {
    if input.looks == 0 {
        tell_that_it_began(ctx, &input, &run).await;
    }
    loop {
        select! {
            heard = ctx.wait_condition(|state: &SpaceliftWebhookWorkflow| state.must_look) => heard?,
            _ = ctx.timer(input.timing.poll_pause(input.looks)) => {}
        }
        ctx.state_mut(|state| state.must_look = false);
        input.looks = input.looks.saturating_add(1);
        let request = RunLookRequest {
            account: input.account.clone(),
            stack: input.stack.clone(),
            run: run.clone(),
            told: input.told.clone(),
        };
        let options = until_it_works(&input.timing, format!("{run} of {}", input.stack));
        let look = ctx
            .execute_activity(Activities::look_at_run, request, options)
            .await?;
        let ignored = |reason: String| outcome(&input.stack, Some(&run), FollowResult::Ignored { reason });
        match look {
            RunLook::Run { facts } if facts.state.is_terminal() => {
                return Ok(FollowOutcome {
                    state: Some(facts.state),
                    ..outcome(&input.stack, Some(&run), FollowResult::Told)
                });
            }
            RunLook::Run { facts } => {
                if let Some(note) = facts.waits_for_person() {
                    ctx.set_current_details(format!("Run {run} {note}"));
                }
                input.told = Some(facts.state);
            }
            RunLook::Unknown => return Ok(ignored("Spacelift knows no such run".to_owned())),
            RunLook::OtherAccount { ours } => {
                return Ok(ignored(format!(
                    "our key belongs to the account `{ours}`, not to `{}`",
                    input.account
                )));
            }
        }
        if is_history_full(ctx, &input.timing) {
            ctx.continue_as_new(input.clone(), ContinueAsNewOptions::default())?;
        }
    }
}

/// A schedule that is there waits for what lies upstream. One that is not has nothing open.
async fn tell_that_it_began(ctx: &mut Context, input: &FollowInput, run: &RunId) {
    let begins = ctx.state(|state| {
        let latest = state.latest.as_ref().map(|latest| &latest.event);
        latest.is_some_and(|event| {
            !event.state.is_terminal() && event.triggered_by.as_deref().is_none_or(is_person)
        })
    });
    if begins {
        let message = ScheduleMessage::RunBegan {
            stack: input.stack.clone(),
            run: run.clone(),
        };
        let schedule = ctx.external_workflow(id::schedule(&input.account), None);
        let told = schedule.signal(TellSchedule, message, SignalWorkflowOptions::default());
        // An error says that nothing is open in the account, so that nothing waits.
        let _ = told.await;
    }
}

/// Runs of API keys are most often our own, of which the schedule knows; what another key runs is found by its end.
fn is_person(triggered_by: &str) -> bool {
    !triggered_by.starts_with("api::")
}

fn outcome(stack: &StackId, run: Option<&RunId>, result: FollowResult) -> FollowOutcome {
    FollowOutcome {
        stack: stack.clone(),
        run: run.cloned(),
        state: None,
        result,
    }
}
