//! `StackScheduleWorkflow`: hosts the schedule of an account. It decides nothing itself: `chain::Schedule` says what to
//! do, and this carries it out.

mod details;
mod tasks;

use std::collections::VecDeque;
use std::time::Duration;

use chain::schedule::{Effect, Event, ScheduleReport, StackReport};
use chain::{Schedule, StackId};
use orchestrator::clock;
use orchestrator::contract::{ScheduleInput, ScheduleMessage};
use temporalio_sdk::workflows::{select, workflow, workflow_methods};
use temporalio_sdk::{
    ContinueAsNewOptions, SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult,
};
use tracing::{error, info, warn};

use super::{is_history_full, now_ms};
use crate::metrics;
use tasks::{Done, Tasks};

/// How long a schedule with nothing to do stays, since Temporal starts one workflow id only so often.
const LINGER: Duration = Duration::from_secs(600);
/// How long a history lives, unless it is full before.
const HISTORY_LIFE_MS: i64 = 3_600_000;

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

    /// Read by hand: a message that cannot be read must not stop the account.
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
        let is_old = now - began_ms > HISTORY_LIFE_MS;
        let is_full = is_history_full(ctx, &input.timing) || (is_old && ctx.history_length() > 50);
        if is_full && tasks.may_be_left() {
            let next = ScheduleInput {
                resume: Some(Box::new(ctx.state(|state| state.schedule.clone()))),
                untaken: untaken.into(),
                ..input.clone()
            };
            ctx.continue_as_new(next, ContinueAsNewOptions::default())?;
            return Ok(());
        }
        if !is_full {
            take_messages(ctx, &mut tasks, &mut untaken, now);
            // Nothing is tried for a chain before its record is open: it may have been there before.
            if !tasks.is_opening() {
                carry_out(ctx, &mut tasks, &input, now);
            }
        }
        let is_idle = ctx.state(|state| state.schedule.is_idle()) && tasks.is_empty() && untaken.is_empty();
        idle_since_ms = is_idle.then(|| idle_since_ms.unwrap_or(now));
        let end_ms = idle_since_ms.map(|since_ms| since_ms + clock::milliseconds(LINGER));
        if end_ms.is_some_and(|end_ms| end_ms <= now) {
            ctx.set_current_details("Nothing was open for ten minutes");
            return Ok(());
        }
        let wake_ms = ctx.state(|state| state.schedule.next_wake_ms());
        tasks.wake_at(ctx, [wake_ms, end_ms].into_iter().flatten().min(), now);
        let mut done = None;
        select! {
            told = ctx.wait_condition(|state: &StackScheduleWorkflow| !state.inbox.is_empty()) => told?,
            ended = tasks.next() => done = Some(ended),
        }
        if let Some(done) = done {
            finish(ctx, &mut tasks, &mut input, done);
        }
    }
}

fn read_inbox(ctx: &Context, untaken: &mut VecDeque<ScheduleMessage>) {
    for message in ctx.state_mut(|state| std::mem::take(&mut state.inbox)) {
        match serde_json::from_value(message) {
            Ok(message) => untaken.push_back(message),
            Err(problem) if !ctx.is_replaying() => {
                metrics::message_dropped();
                error!("A message to the schedule cannot be read, and is dropped: {problem}");
            }
            Err(_) => {}
        }
    }
}

/// What came in is taken in once it is known what is open.
fn take_messages(ctx: &Context, tasks: &mut Tasks, untaken: &mut VecDeque<ScheduleMessage>, now: i64) {
    while let Some(message) = untaken.front() {
        if *message == ScheduleMessage::Rebuild {
            untaken.pop_front();
            ctx.state_mut(|state| {
                state.schedule = Schedule::new(state.input.account.clone(), state.input.settings.clone());
            });
            tasks.lose();
            continue;
        }
        if !ctx.state(|state| state.schedule.is_rebuilt()) {
            return;
        }
        if let Some(event) = untaken.pop_front().and_then(event) {
            ctx.state_mut(|state| state.schedule.apply(event, now));
        }
    }
}

fn event(message: ScheduleMessage) -> Option<Event> {
    Some(match message {
        ScheduleMessage::Requested { chain, root, by } => Event::Requested { chain, root, by },
        ScheduleMessage::RunBegan { stack, run } => Event::RunBegan { stack, run },
        ScheduleMessage::RunMoved { stack, run } => Event::RunMoved { stack, run },
        ScheduleMessage::RunEnded { stack, run } => Event::RunEnded { stack, run },
        ScheduleMessage::Controlled { chain, control, by } => Event::Controlled { chain, control, by },
        ScheduleMessage::DoneByHand { stack, by } => Event::DoneByHand { stack, by },
        ScheduleMessage::Released { stack, by } => Event::Released { stack, by },
        ScheduleMessage::Halted { by } => Event::Halted { by },
        ScheduleMessage::Resumed { by } => Event::Resumed { by },
        ScheduleMessage::Rebuild | ScheduleMessage::Wake => return None,
    })
}

/// Does what the schedule decides.
fn carry_out(ctx: &Context, tasks: &mut Tasks, input: &ScheduleInput, now: i64) {
    let effects = ctx.state_mut(|state| {
        state.seen_ms = now;
        state.schedule.decide(now)
    });
    for effect in effects {
        match effect {
            Effect::Rebuild => tasks.find_open_work(ctx, input),
            Effect::List => tasks.list(ctx, input),
            Effect::Attempt(request) => tasks.attempt(ctx, input, request),
            Effect::Look { stack, run } => tasks.look(ctx, input, stack, run),
            Effect::Open(opening) => tasks.open(ctx, input, *opening),
            Effect::Log(decision) => {
                if !ctx.is_replaying() {
                    metrics::decided(&decision);
                    let json = serde_json::to_string(&decision).unwrap_or_default();
                    info!(account = %input.account, at_ms = now, decision = json, "{decision}");
                }
            }
        }
    }
    for (chain, changes) in ctx.state_mut(|state| state.schedule.take_changes()) {
        if let Err(changes) = tasks.tell(ctx, &chain, changes) {
            ctx.state_mut(|state| state.schedule.give_back(chain, changes));
        }
    }
    let details = ctx.state(|state| details::markdown(&state.schedule, now));
    ctx.set_current_details(details);
}

/// Takes in the end of something that was under way.
fn finish(ctx: &Context, tasks: &mut Tasks, input: &mut ScheduleInput, done: Done) {
    let now = now_ms(ctx);
    match done {
        Done::Event(event) => ctx.state_mut(|state| state.schedule.apply(*event, now)),
        Done::Rebuilt { event, settings } => {
            tasks.forget_rebuild();
            input.settings = settings;
            let stacks = ctx.state_mut(|state| {
                state.schedule.apply(*event, now);
                state.schedule.attempts_under_way()
            });
            tasks.await_executions(ctx, input, stacks);
        }
        Done::Listed { event, audited } => {
            input.audited = audited;
            ctx.state_mut(|state| state.schedule.apply(*event, now));
        }
        Done::Opened { chain, opened } => {
            tasks.opened(&chain);
            tasks.open_waiting(ctx, input);
            if !opened {
                ctx.state_mut(|state| state.schedule.apply(Event::ChainGone { chain }, now));
            }
        }
        Done::Told { chain, changes } => {
            tasks.told(&chain);
            if let Some((changes, is_gone)) = changes {
                if !ctx.is_replaying() {
                    warn!(chain.id = %chain, "The record of {chain} could not be told what happened");
                }
                let event = is_gone.then(|| Event::ChainGone { chain: chain.clone() });
                ctx.state_mut(|state| match event {
                    Some(event) => state.schedule.apply(event, now),
                    None => state.schedule.give_back(chain, changes),
                });
            }
        }
        Done::Started { rest } => tasks.started(rest),
        Done::Woken => {}
    }
}
