//! `SpaceliftWebhookWorkflow`: follows one run to its end and signals the schedule, or passes it one request.

use chain::follow::{self, IgnoredBecause};
use chain::metadata::{Namespace, names_own_namespace, other_namespace};
use chain::{ChainId, RunId, StackId};
use temporal_client::contract::{
    FollowInput, FollowOutcome, FollowResult, ReceivedEvent, RunLook, RunLookRequest, RunRef, RunRequested,
    ScheduleMessage, Source, Subject,
};
use temporal_client::definition::TellSchedule;
use temporal_client::{clock, id};
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ContinueAsNewOptions, SignalWorkflowOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView,
    WorkflowResult, WorkflowTermination,
};

use super::{is_history_full, now_ms, unlimited_retries};
use crate::activities::Activities;

#[workflow]
pub struct SpaceliftWebhookWorkflow {
    input: FollowInput,
    /// The newest event of the run, by Spacelift's own state versions.
    latest: Option<ReceivedEvent>,
    /// An event was received that a look-up has to confirm.
    must_look: bool,
    /// Our Temporal namespace, which is in the metadata of our runs. A look-up also compares its id.
    namespace: Namespace,
    /// The run's metadata from the newest event that has any.
    metadata: Vec<String>,
}

#[workflow_methods]
impl SpaceliftWebhookWorkflow {
    #[init]
    pub fn new(ctx: &WorkflowContextView, input: FollowInput) -> Self {
        Self {
            input,
            latest: None,
            must_look: false,
            namespace: Namespace::named(ctx.namespace()),
            metadata: Vec::new(),
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<FollowOutcome> {
        let input = ctx.state(|state| state.input.clone());
        match input.subject.clone() {
            Subject::Run { run } => follow(ctx, input, run).await,
            Subject::Request { id, request } => {
                let chain = ChainId::of_request(&input.account, &id);
                let options = unlimited_retries(&input.timing, format!("{}, by request", input.stack));
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
            Subject::Retry { retry } => {
                let options = unlimited_retries(&input.timing, format!("retry of {}", retry.of));
                let result = ctx
                    .execute_activity(Activities::request_chain_retry, retry, options)
                    .await?;
                Ok(outcome(&input.stack, None, result))
            }
        }
    }

    #[signal]
    pub fn record_event(&mut self, _ctx: &mut SyncWorkflowContext<Self>, received: ReceivedEvent) {
        let metadata = &received.event.metadata;
        if metadata.len() > self.metadata.len() {
            self.must_look |= other_namespace(metadata, &self.namespace).is_some();
            self.metadata.clone_from(metadata);
        }
        let is_newer = |latest: &ReceivedEvent| received.event.supersedes(&latest.event);
        if self.latest.as_ref().is_none_or(is_newer) {
            let state = &received.event.state;
            self.must_look |= state.is_terminal() || chain::attempt::waits_for_person(state).is_some();
            self.latest = Some(received);
        }
    }

    /// Whoever sent this, the run is looked up.
    #[signal]
    pub fn handle_completed_run(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _run: RunRef) {
        self.must_look = true;
    }

    #[signal]
    pub fn look(&mut self, _ctx: &mut SyncWorkflowContext<Self>, (): ()) {
        self.must_look = true;
    }

    /// Whoever sent this, the run is looked up.
    #[signal]
    pub fn handle_failed_run(&mut self, _ctx: &mut SyncWorkflowContext<Self>, _run: RunRef) {
        self.must_look = true;
    }
}

type Context = WorkflowContext<SpaceliftWebhookWorkflow>;

/// Waits for a signal that the run is over or waits for a person, and also looks it up from time to time, since
/// webhooks get lost. Only Spacelift's answer to the look-up counts.
async fn follow(ctx: &mut Context, mut input: FollowInput, run: RunId) -> WorkflowResult<FollowOutcome> {
    if input.looks == 0 {
        signal_begin(ctx, &input, &run).await;
    }
    loop {
        let pause = match input.unknown_since_ms {
            Some(_) => input.timing.poll_first.min(input.timing.trigger_patience),
            None => input.timing.poll_pause(input.looks),
        };
        select! {
            signalled = ctx.wait_condition(|state: &SpaceliftWebhookWorkflow| state.must_look) => signalled?,
            _ = ctx.timer(pause) => {}
        }
        ctx.state_mut(|state| state.must_look = false);
        input.looks = input.looks.saturating_add(1);
        let request = RunLookRequest {
            account: input.account.clone(),
            stack: input.stack.clone(),
            run: run.clone(),
            reported: input.reported.clone(),
            metadata: ctx.state(|state| state.metadata.clone()),
            reported_at_ms: ctx.state(|state| state.latest.as_ref()?.received_at_ms),
            give_up: is_gone(ctx, &input),
            reported_from_outside: match input.source {
                Source::Webhook | Source::Queue | Source::Operator => true,
                Source::Trigger | Source::Reconcile => false,
            },
        };
        let is_too_late = request.give_up;
        let options = unlimited_retries(&input.timing, format!("{run} of {}", input.stack));
        let look = ctx
            .execute_activity(Activities::look_at_run, request, options)
            .await?;
        match look {
            RunLook::Run { facts } if facts.state.is_terminal() => {
                return Ok(FollowOutcome {
                    state: Some(facts.state),
                    ..outcome(&input.stack, Some(&run), FollowResult::Reported)
                });
            }
            RunLook::Run { facts } => {
                if let Some(note) = facts.waits_for_person() {
                    ctx.set_current_details(format!("Run {run} {note}"));
                }
                input.ours = facts.ours;
                input.reported = Some(facts.state);
                input.unknown_since_ms = None;
            }
            // The key may have lost the right to see it for a while.
            RunLook::Unknown if existed(ctx, &input) && !is_too_late => {
                input.unknown_since_ms.get_or_insert(now_ms(ctx));
            }
            RunLook::Unknown => {
                input.ours |= ctx.state(|state| names_own_namespace(&state.metadata, &state.namespace));
                return gave_up(&input, &run);
            }
            RunLook::Late => {
                let reason = IgnoredBecause::Late;
                return Ok(outcome(
                    &input.stack,
                    Some(&run),
                    FollowResult::Ignored { reason },
                ));
            }
            RunLook::OtherAccount { ours } => {
                let reason = IgnoredBecause::OtherAccount {
                    ours,
                    account: input.account.clone(),
                };
                let ignored = outcome(&input.stack, Some(&run), FollowResult::Ignored { reason });
                return Err(WorkflowTermination::cancelled_with_details(ignored));
            }
        }
        if is_history_full(ctx, &input.timing) {
            ctx.continue_as_new(input.clone(), ContinueAsNewOptions::default())?;
        }
    }
}

/// The run was reported as gone. Unlike a completed workflow, a cancelled one can start again under its id: the key may get back
/// the right to see the run. A run of ours is followed again only for an attempt that finds it: by then the schedule may no
/// longer know that it triggered the run, and it would start a chain.
fn gave_up(input: &FollowInput, run: &RunId) -> WorkflowResult<FollowOutcome> {
    let reason = IgnoredBecause::NoRun;
    let outcome = outcome(&input.stack, Some(run), FollowResult::Ignored { reason });
    if input.ours {
        Ok(outcome)
    } else {
        Err(WorkflowTermination::cancelled_with_details(outcome))
    }
}

/// Whether the run exists or existed: Spacelift showed or announced it, or we triggered it.
fn existed(ctx: &Context, input: &FollowInput) -> bool {
    input.reported.is_some() || input.source == Source::Trigger || ctx.state(|state| state.latest.is_some())
}

/// Whether Spacelift has not shown the run for so long that nothing should wait for it any more.
fn is_gone(ctx: &Context, input: &FollowInput) -> bool {
    let patience_ms = clock::milliseconds(input.timing.trigger_patience);
    follow::is_gone(input.unknown_since_ms, now_ms(ctx), patience_ms)
}

/// Signals an existing schedule, which then waits for this upstream. Without a schedule, nothing is open.
async fn signal_begin(ctx: &mut Context, input: &FollowInput, run: &RunId) {
    let begins = ctx.state(|state| {
        let latest = state.latest.as_ref();
        latest.is_some_and(|latest| follow::begins(&latest.event))
    });
    if begins {
        let message = ScheduleMessage::RunBegan {
            stack: input.stack.clone(),
            run: run.clone(),
        };
        let schedule = ctx.external_workflow(id::schedule(&input.account), None);
        let signalled = schedule.signal(TellSchedule, message, SignalWorkflowOptions::default());
        // An error means that nothing is open in the account, so that nothing waits.
        let _ = signalled.await;
    }
}

fn outcome(stack: &StackId, run: Option<&RunId>, result: FollowResult) -> FollowOutcome {
    FollowOutcome {
        stack: stack.clone(),
        run: run.cloned(),
        state: None,
        result,
    }
}
