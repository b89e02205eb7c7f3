//! `StackScheduleWorkflow`: hosts the schedule of an account. It decides nothing: `chain::Schedule` decides, and this
//! carries it out.

mod details;
mod orders;
mod tasks;

use std::collections::VecDeque;
use std::time::Duration;

use chain::schedule::{Decision, Effect, Event, ScheduleReport, StackReport};
use chain::{RunId, Schedule, StackId};
use temporal_client::clock;
use temporal_client::contract::{RunRef, RunStop, ScheduleInput, ScheduleMessage};
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ContinueAsNewOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult,
};
use tracing::{error, info, warn};

use super::{is_history_full, now_ms};
use crate::metrics::{self, Alarm};
use tasks::{Done, Tasks};

/// How long an idle schedule stays open, since Temporal limits how often one workflow id may start.
const IDLE_TIME: Duration = Duration::from_secs(600);
/// The longest life of a history that is not full.
const HISTORY_AGE_MAX_MS: i64 = 3_600_000;

#[workflow]
pub struct StackScheduleWorkflow {
    input: ScheduleInput,
    schedule: Schedule,
    inbox: VecDeque<serde_json::Value>,
    /// When the schedule last decided.
    seen_ms: i64,
}

#[workflow_methods]
impl StackScheduleWorkflow {
    #[init]
    pub fn new(_ctx: &WorkflowContextView, mut input: ScheduleInput) -> Self {
        let schedule = match input.resume.take() {
            Some(schedule) => *schedule,
            None => Schedule::new(input.account.clone(), input.settings.clone()),
        };
        Self {
            input,
            schedule,
            inbox: VecDeque::new(),
            seen_ms: 0,
        }
    }

    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        host(ctx).await
    }

    /// Parsed later, in `read_inbox`: a message that cannot be parsed must not block the account.
    #[signal]
    pub fn tell(&mut self, _ctx: &mut SyncWorkflowContext<Self>, message: serde_json::Value) {
        self.inbox.push_back(message);
    }

    #[query]
    pub fn state(&self, _ctx: &WorkflowContextView) -> ScheduleReport {
        self.schedule.report(self.seen_ms)
    }

    #[query]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the macro gives a query its input by value"
    )]
    pub fn why(&self, _ctx: &WorkflowContextView, stack: StackId) -> StackReport {
        self.schedule.stack_report(&stack, self.seen_ms)
    }
}

type Context = WorkflowContext<StackScheduleWorkflow>;

async fn host(ctx: &mut Context) -> WorkflowResult<()> {
    let mut input = ctx.state(|state| state.input.clone());
    let version = ctx.state(|state| state.schedule.version());
    assert!(
        version <= chain::schedule::STATE_VERSION,
        "this worker is older than the schedule's state (version {version}): a newer worker has to go on with it"
    );
    let began_ms = now_ms(ctx);
    let mut untaken: VecDeque<ScheduleMessage> = std::mem::take(&mut input.untaken).into();
    let mut tasks = Tasks::default();
    tasks.resume(ctx, &input);
    let mut idle_since_ms: Option<i64> = None;
    loop {
        read_inbox(ctx, &mut untaken);
        let now = now_ms(ctx);
        let is_old = now - began_ms > HISTORY_AGE_MAX_MS;
        let is_full = is_history_full(ctx, &input.timing) || (is_old && ctx.history_length() > 50);
        if is_full && tasks.can_continue_as_new() {
            let next = ScheduleInput {
                resume: Some(Box::new(ctx.state(|state| state.schedule.clone()))),
                untaken: untaken.into(),
                orders: tasks.unwritten_orders(),
                stops: tasks.open_stops(),
                looks: tasks.open_looks(),
                ..input.clone()
            };
            ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
            return Ok(());
        }
        if !is_full {
            apply_messages(ctx, &mut tasks, &input, &mut untaken, now);
            // No attempt before the record of its chain is open: the chain may have existed before.
            let is_discarded = untaken.front() == Some(&ScheduleMessage::Rebuild);
            if !tasks.is_opening() && !is_discarded {
                carry_out(ctx, &mut tasks, &input, &untaken, now);
            }
        }
        let is_idle = ctx.state(|state| state.schedule.is_idle()) && tasks.is_empty() && untaken.is_empty();
        idle_since_ms = is_idle.then(|| idle_since_ms.unwrap_or(now));
        let end_ms = idle_since_ms.map(|since_ms| since_ms + clock::milliseconds(IDLE_TIME));
        if end_ms.is_some_and(|end_ms| end_ms <= now) {
            ctx.set_current_details("Nothing was open for ten minutes");
            return Ok(());
        }
        let wake_ms = ctx.state(|state| state.schedule.next_wake_ms());
        tasks.wake_at(ctx, [wake_ms, end_ms].into_iter().flatten().min(), now);
        let mut done = None;
        select! {
            received = ctx.wait_condition(|state: &StackScheduleWorkflow| !state.inbox.is_empty()) => received?,
            ended = tasks.next() => done = Some(ended),
        }
        if let Some(done) = done {
            finish(ctx, &mut tasks, &mut input, &mut untaken, done);
        }
    }
}

fn read_inbox(ctx: &Context, untaken: &mut VecDeque<ScheduleMessage>) {
    for message in ctx.state_mut(|state| std::mem::take(&mut state.inbox)) {
        match serde_json::from_value(message) {
            Ok(message) => untaken.push_back(message),
            Err(problem) if !ctx.is_replaying() => {
                metrics::alarm(Alarm::MessageDropped);
                error!("A message to the schedule cannot be read and is dropped: {problem}");
            }
            Err(_) => {}
        }
    }
}

/// Applies messages once the open work is known.
fn apply_messages(
    ctx: &Context,
    tasks: &mut Tasks,
    input: &ScheduleInput,
    untaken: &mut VecDeque<ScheduleMessage>,
    now: i64,
) {
    while let Some(message) = untaken.front() {
        if *message == ScheduleMessage::Rebuild {
            // The records become the state, so they have to be complete.
            if !complete_records(ctx, tasks) {
                return;
            }
            untaken.pop_front();
            for decision in ctx.state_mut(|state| state.schedule.take_decisions()) {
                record_decision(ctx, tasks, input, &decision, now);
            }
            ctx.state_mut(|state| {
                state.schedule = Schedule::new(state.input.account.clone(), state.input.settings.clone());
            });
            tasks.discard_state();
            continue;
        }
        if !ctx.state(|state| state.schedule.is_rebuilt()) {
            return;
        }
        if let Some(event) = untaken.pop_front().and_then(event) {
            let found = unknown_attempt(ctx, &event);
            ctx.state_mut(|state| state.schedule.apply(event, now));
            tasks.await_executions(ctx, input, found.into_iter().collect());
        }
    }
}

/// Sends all changes to the records of chains. Returns whether the records have them.
fn complete_records(ctx: &Context, tasks: &mut Tasks) -> bool {
    for (chain, changes) in ctx.state_mut(|state| state.schedule.take_all_changes()) {
        if let Err(changes) = tasks.signal_chain(ctx, &chain, changes) {
            ctx.state_mut(|state| state.schedule.give_back(chain, changes));
        }
    }
    !tasks.is_signalling() && !tasks.is_opening()
}

/// The stack of an attempt that a sweep found, unless the schedule waits for it already.
fn unknown_attempt(ctx: &Context, event: &Event) -> Option<StackId> {
    let Event::AttemptFound { stack } = event else {
        return None;
    };
    let known = ctx.state(|state| state.schedule.attempts_under_way());
    (!known.contains(stack)).then(|| stack.clone())
}

fn event(message: ScheduleMessage) -> Option<Event> {
    Some(match message {
        ScheduleMessage::Requested {
            chain,
            root,
            by,
            only,
        } => Event::Requested {
            chain,
            root,
            by,
            only,
        },
        ScheduleMessage::RunBegan { stack, run } => Event::RunBegan { stack, run },
        ScheduleMessage::RunMoved { stack, run } => Event::RunMoved { stack, run },
        ScheduleMessage::RunEnded { stack, run } => Event::RunEnded { stack, run },
        ScheduleMessage::Controlled {
            chain,
            control,
            by,
            reason,
        } => Event::Controlled {
            chain,
            control,
            by,
            reason,
        },
        ScheduleMessage::DoneByHand { stack, by, reason } => Event::DoneByHand { stack, by, reason },
        ScheduleMessage::Released { stack, by } => Event::Released { stack, by },
        ScheduleMessage::Halted { by, reason } => Event::Halted { by, reason },
        ScheduleMessage::Resumed { by, reason } => Event::Resumed { by, reason },
        ScheduleMessage::ChainFound { record, runs } => Event::ChainFound { record, runs },
        ScheduleMessage::AttemptFound { stack } => Event::AttemptFound { stack },
        ScheduleMessage::AttemptLost { stack } => Event::Attempted {
            outcome: tasks::lost_attempt("its execution ended, and its outcome did not come"),
            stack,
        },
        ScheduleMessage::Thawed { by } => Event::Thawed { by },
        ScheduleMessage::HaltGone => Event::HaltGone,
        ScheduleMessage::Rebuild | ScheduleMessage::Wake => return None,
    })
}

/// Carries out the decisions of the schedule.
fn carry_out(
    ctx: &Context,
    tasks: &mut Tasks,
    input: &ScheduleInput,
    untaken: &VecDeque<ScheduleMessage>,
    now: i64,
) {
    let effects = ctx.state_mut(|state| {
        state.seen_ms = now;
        state.schedule.decide(now)
    });
    for effect in effects {
        match effect {
            Effect::Rebuild => tasks.find_open_work(ctx, input, reported_ends(untaken)),
            Effect::List => tasks.list(ctx, input),
            Effect::Attempt(request) => tasks.attempt(ctx, input, request),
            Effect::Look { stack, run } => tasks.look(ctx, input, RunRef { stack, run }),
            Effect::Stop { stack, run, why } => {
                let account = input.account.clone();
                tasks.stop(
                    ctx,
                    input,
                    RunStop {
                        account,
                        stack,
                        run,
                        why,
                    },
                );
            }
            Effect::Open(opening) => tasks.open(ctx, input, *opening),
            Effect::Log(decision) => record_decision(ctx, tasks, input, &decision, now),
        }
    }
    for (chain, changes) in ctx.state_mut(|state| state.schedule.take_changes()) {
        if let Err(changes) = tasks.signal_chain(ctx, &chain, changes) {
            ctx.state_mut(|state| state.schedule.give_back(chain, changes));
        }
    }
    let details = ctx.state(|state| details::markdown(&state.schedule, now));
    ctx.set_current_details(details);
}

/// Writes a decision to the log of the worker, and the order of a person to the audit log.
fn record_decision(ctx: &Context, tasks: &mut Tasks, input: &ScheduleInput, decision: &Decision, now: i64) {
    if let Some(entry) = orders::entry(decision, &input.account, now) {
        tasks.audit(ctx, input, entry);
    }
    if !ctx.is_replaying() {
        metrics::decided(decision);
        let json = serde_json::to_string(decision).unwrap_or_default();
        info!(
            account = %input.account,
            chain.id = decision.chain().map(tracing::field::display),
            stack.id = decision.stack().map(tracing::field::display),
            run.id = decision.run().map(tracing::field::display),
            at_ms = now,
            decision = json,
            "{decision}"
        );
    }
}

fn reported_ends(untaken: &VecDeque<ScheduleMessage>) -> Vec<RunId> {
    let ends = untaken.iter().filter_map(|message| match message {
        ScheduleMessage::RunEnded { run, .. } => Some(run.id.clone()),
        _ => None,
    });
    ends.collect()
}

/// Handles the end of a task.
fn finish(
    ctx: &Context,
    tasks: &mut Tasks,
    input: &mut ScheduleInput,
    untaken: &mut VecDeque<ScheduleMessage>,
    done: Done,
) {
    let now = now_ms(ctx);
    match done {
        Done::Event(event) => ctx.state_mut(|state| state.schedule.apply(*event, now)),
        Done::Rebuilt {
            generation,
            event,
            settings,
            lost,
        } => {
            for message in lost.into_iter().rev() {
                untaken.push_front(message);
            }
            if tasks.is_outdated(ctx, generation) {
                return;
            }
            tasks.end_rebuild();
            input.settings = settings;
            let stacks = ctx.state_mut(|state| {
                state.schedule.apply(*event, now);
                state.schedule.attempts_under_way()
            });
            tasks.await_executions(ctx, input, stacks);
        }
        Done::Listed { generation, .. } if tasks.is_outdated(ctx, generation) => {}
        Done::Listed {
            event,
            audited,
            notified,
            ..
        } => {
            input.audited = audited;
            input.notified = notified;
            ctx.state_mut(|state| state.schedule.apply(*event, now));
        }
        Done::Opened { chain, opened } => {
            tasks.opened(&chain);
            tasks.open_waiting(ctx, input);
            if !opened {
                ctx.state_mut(|state| state.schedule.apply(Event::ChainGone { chain }, now));
            }
        }
        Done::Signalled { chain, changes } => {
            tasks.signalled(&chain);
            if let Some((changes, is_gone)) = changes {
                if !ctx.is_replaying() {
                    warn!(chain.id = %chain, "The record of {chain} could not be updated; the update is sent again");
                }
                let event = is_gone.then(|| Event::ChainGone { chain: chain.clone() });
                ctx.state_mut(|state| match event {
                    Some(event) => state.schedule.apply(event, now),
                    None => state.schedule.give_back(chain, changes),
                });
            }
        }
        Done::Started { rest } => tasks.started(rest),
        Done::Audited { order } => tasks.audited(&order),
        Done::Stopped { stop } => tasks.stopped(&stop),
        Done::Looked { run } => tasks.looked(&run),
        Done::Woken => {}
    }
}
