//! The running tasks of the schedule: activities, executions, openings and signals of chains, and its timer.

mod executions;
mod openings;
mod orders;
mod runs;

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use audit::Record;
use chain::schedule::{Event, Listed, Opening, Rebuilt};
use chain::{AttemptOutcome, ChainId, Change, DependencyGraph, RunId, ScheduleSettings};
use futures::FutureExt;
use futures::future::FusedFuture;
use temporal_client::contract::{
    ListRequest, OpenWork, OpenWorkRequest, RunRef, RunStop, ScheduleInput, ScheduleMessage,
};
use temporal_client::definition::RecordChanges;
use temporalio_sdk::{ActivityExecutionError, ActivityOptions, SignalWorkflowOptions, WorkflowSignalError};
use tracing::error;

use super::super::unlimited_retries;
use super::Context;
use crate::activities::Activities;

/// The change since which answers for a discarded state are ignored.
const IGNORES_OUTDATED: &str = "ignores-outdated-answers";

/// The end of a task.
pub(super) enum Done {
    Event(Box<Event>),
    Rebuilt {
        generation: Generation,
        event: Box<Event>,
        settings: ScheduleSettings,
        /// What a lost schedule had received.
        lost: Vec<ScheduleMessage>,
    },
    Listed {
        generation: Generation,
        event: Box<Event>,
        audited: bool,
        notified: bool,
    },
    /// The record of a chain was opened, or could not be, since its id exists or existed.
    Opened {
        chain: ChainId,
        opened: bool,
    },
    /// The record of a chain was signalled. `changes` are those that failed, and whether the record is gone.
    Signalled {
        chain: ChainId,
        changes: Option<(Vec<Change>, bool)>,
    },
    /// An execution began; `rest` waits for its end.
    Started {
        rest: Task,
    },
    /// An order is in the audit log.
    Audited {
        order: Box<Record>,
    },
    /// A run was ended, or had ended.
    Stopped {
        stop: Box<RunStop>,
    },
    /// A run was looked up, and the schedule was signalled.
    Looked {
        run: RunRef,
    },
    Woken,
}

/// Which of the states that this history had asked for something. A rebuild discards a state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Generation(u32);

pub(super) type Task = Pin<Box<dyn Future<Output = Done>>>;

/// A timer for a time in milliseconds since 1970.
struct Timer {
    at_ms: i64,
    fires: Pin<Box<dyn Future<Output = ()>>>,
}

#[derive(Default)]
pub(super) struct Tasks {
    running: Vec<Task>,
    /// How many tasks Temporal may drop at the end of a history: starts of workflows, and signals.
    lost_with_history: usize,
    rebuilding: bool,
    generation: Generation,
    /// A person requested a rebuild of the schedule.
    lost: bool,
    /// Chains whose record is being opened or waits for it.
    opening: BTreeSet<ChainId>,
    waiting_openings: VecDeque<Opening>,
    /// Chains with a signal in flight: one at a time, so that signals arrive in order.
    signalling: BTreeSet<ChainId>,
    timer: Option<Timer>,
    /// Orders that are being written to the audit log.
    orders: Vec<Record>,
    /// Runs that are being ended, and runs that are being looked up.
    stops: Vec<RunStop>,
    looks: Vec<RunRef>,
}

impl Tasks {
    /// Resumes the tasks of an earlier history of the schedule.
    pub(super) fn resume(&mut self, ctx: &Context, input: &ScheduleInput) {
        let (attempts, is_listing) =
            ctx.state(|state| (state.schedule.attempts_under_way(), state.schedule.is_listing()));
        self.await_executions(ctx, input, attempts);
        if is_listing {
            self.list(ctx, input);
        }
        for order in &input.orders {
            self.write_order(ctx, input, order.clone());
        }
        for stop in &input.stops {
            self.stop(ctx, input, stop.clone());
        }
        for run in &input.looks {
            self.look(ctx, input, run.clone());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty() && self.waiting_openings.is_empty()
    }

    /// Whether the record of any chain is being opened.
    pub(super) fn is_opening(&self) -> bool {
        !self.opening.is_empty()
    }

    /// Whether changes are on their way to the record of any chain.
    pub(super) fn is_signalling(&self) -> bool {
        !self.signalling.is_empty()
    }

    /// Whether no task would be lost with this history.
    pub(super) fn can_continue_as_new(&self) -> bool {
        self.lost_with_history == 0 && self.waiting_openings.is_empty() && !self.rebuilding
    }

    pub(super) fn find_open_work(&mut self, ctx: &Context, input: &ScheduleInput, reported: Vec<RunId>) {
        if std::mem::replace(&mut self.rebuilding, true) {
            return;
        }
        let request = OpenWorkRequest {
            account: input.account.clone(),
            asked_by: ctx.run_id().to_owned(),
            lost: self.lost,
            reported,
        };
        let options = unlimited_retries(&input.timing, "what is open?".to_owned());
        let (ctx, generation) = (ctx.clone(), self.generation);
        self.running.push(Box::pin(async move {
            match open_work(&ctx, request, options).await {
                Ok(open) => Done::Rebuilt {
                    generation,
                    settings: open.settings.clone(),
                    lost: open.lost,
                    event: Box::new(Event::Rebuilt(Box::new(Rebuilt {
                        chains: open.chains,
                        attempts: open.executions,
                        ended_attempts: open.ended_executions,
                        runs: open.runs,
                        halted_by: open.halted_by,
                        halt_reason: open.halt_reason,
                        conflicts: open.conflicts,
                        conflict_excused_s: open.conflict_excused_s,
                        clean: open.clean,
                        now_s: open.now_s,
                    }))),
                },
                Err(error) => no_outcome(&error),
            }
        }));
    }

    pub(super) fn end_rebuild(&mut self) {
        self.rebuilding = false;
    }

    /// The state was discarded, so the open work has to be found again.
    pub(super) fn discard_state(&mut self) {
        self.rebuilding = false;
        self.generation.0 += 1;
        self.lost = true;
    }

    /// Whether an answer is for a state that was discarded. The state that replaced it asks anew, and may need to know more.
    pub(super) fn is_outdated(&self, ctx: &Context, generation: Generation) -> bool {
        generation != self.generation && ctx.patched(IGNORES_OUTDATED)
    }

    pub(super) fn list(&mut self, ctx: &Context, input: &ScheduleInput) {
        let request = ListRequest {
            account: input.account.clone(),
            roots: ctx
                .state(|state| state.schedule.listed_roots())
                .into_iter()
                .map(|(stack, run)| RunRef { stack, run })
                .collect(),
        };
        let options = unlimited_retries(&input.timing, "the stacks of the account".to_owned());
        let (ctx, generation) = (ctx.clone(), self.generation);
        self.running.push(Box::pin(async move {
            let listed = ctx
                .execute_activity(Activities::fetch_dependent_stacks, request, options)
                .await;
            match listed {
                Ok(listed) => {
                    let graph = DependencyGraph::build(listed.stacks, &listed.settings.chain.label_prefixes);
                    Done::Listed {
                        generation,
                        audited: listed.audited,
                        notified: listed.notified,
                        event: Box::new(Event::Listed(Box::new(Listed {
                            graph,
                            policies: listed.policies,
                            settings: listed.settings,
                            changes: listed.changes,
                        }))),
                    }
                }
                Err(error) => no_outcome(&error),
            }
        }));
    }

    /// Signals changes to the record of a chain. If that has to wait, the changes are returned.
    pub(super) fn signal_chain(
        &mut self,
        ctx: &Context,
        chain: &ChainId,
        changes: Vec<Change>,
    ) -> Result<(), Vec<Change>> {
        if self.opening.contains(chain) || !self.signalling.insert(chain.clone()) {
            return Err(changes);
        }
        self.lost_with_history += 1;
        let (ctx, chain) = (ctx.clone(), chain.clone());
        self.running.push(Box::pin(async move {
            let handle = ctx.external_workflow(chain.as_str(), None);
            let sent = handle
                .signal(RecordChanges, changes.clone(), SignalWorkflowOptions::default())
                .await;
            let changes = match sent {
                Ok(()) => None,
                Err(WorkflowSignalError::NotFound(_)) => Some((changes, true)),
                Err(_) => Some((changes, false)),
            };
            Done::Signalled { chain, changes }
        }));
        Ok(())
    }

    pub(super) fn signalled(&mut self, chain: &ChainId) {
        self.signalling.remove(chain);
        self.lost_with_history -= 1;
    }

    /// Sets the timer, unless an earlier one is set: each timer costs money.
    pub(super) fn wake_at(&mut self, ctx: &Context, at_ms: Option<i64>, now_ms: i64) {
        let Some(at_ms) = at_ms else { return };
        if self.timer.as_ref().is_some_and(|timer| timer.at_ms <= at_ms) {
            return;
        }
        let pause = Duration::from_millis(u64::try_from(at_ms - now_ms).unwrap_or(0).max(1));
        let ctx = ctx.clone();
        let fires = async move {
            ctx.timer(pause).await;
        };
        self.timer = Some(Timer {
            at_ms,
            fires: Box::pin(fires),
        });
    }

    /// The next task that ends. Tasks are polled in order, so that every replay gets the same one.
    pub(super) fn next(&mut self) -> impl FusedFuture<Output = Done> {
        futures::future::poll_fn(move |cx| {
            for index in 0..self.running.len() {
                if let Poll::Ready(done) = self.running[index].as_mut().poll(cx) {
                    drop(self.running.remove(index));
                    return Poll::Ready(done);
                }
            }
            if let Some(timer) = &mut self.timer
                && timer.fires.as_mut().poll(cx).is_ready()
            {
                self.timer = None;
                return Poll::Ready(Done::Woken);
            }
            Poll::Pending
        })
        .fuse()
    }
}

/// Everything that is open. The records of many large chains come in several answers.
async fn open_work(
    ctx: &Context,
    request: OpenWorkRequest,
    options: ActivityOptions,
) -> Result<OpenWork, ActivityExecutionError> {
    let mut open = ctx
        .execute_activity(Activities::find_open_work, request, options.clone())
        .await?;
    while !open.unread_chains.is_empty() {
        let unread = std::mem::take(&mut open.unread_chains);
        let read = ctx
            .execute_activity(Activities::read_open_chains, unread, options.clone())
            .await?;
        open.chains.extend(read.records);
        open.unread_chains = read.unread;
    }
    Ok(open)
}

/// It is not known what the attempt did: the next one looks.
pub(super) fn lost_attempt(why: &str) -> AttemptOutcome {
    AttemptOutcome::Trouble {
        message: why.to_owned(),
        in_doubt: true,
        again_in_ms: None,
    }
}

/// The activity is retried until it succeeds, so this is the end of the workflow itself.
fn no_outcome(error: &ActivityExecutionError) -> Done {
    error!("An activity of the schedule ended without an outcome: {error}");
    Done::Woken
}
