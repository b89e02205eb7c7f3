//! What the schedule has under way: activities, executions, openings and messages of chains, and its alarm clock.

mod openings;

use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use chain::schedule::{Event, Listed, Opening, Rebuilt};
use chain::{
    AttemptOutcome, AttemptRequest, ChainId, Change, DependencyGraph, RunId, ScheduleSettings, StackId,
};
use futures::FutureExt;
use futures::future::FusedFuture;
use orchestrator::contract::{
    ExecutionInput, ListRequest, OpenWorkRequest, RunLook, RunLookRequest, ScheduleInput, VERSION,
};
use orchestrator::definition::RecordChanges;
use orchestrator::id;
use temporalio_sdk::{
    ActivityExecutionError, ChildWorkflowOptions, ParentClosePolicy, SignalWorkflowOptions,
    WorkflowIdReusePolicy, WorkflowSignalError,
};
use tracing::error;

use super::super::{StackExecutionWorkflow, until_it_works};
use super::Context;
use crate::activities::{Activities, ExecutionRef};

/// The end of something that was under way.
pub(super) enum Done {
    Event(Box<Event>),
    Rebuilt {
        event: Box<Event>,
        settings: ScheduleSettings,
    },
    Listed {
        event: Box<Event>,
        audited: bool,
    },
    /// The record of a chain began, or could not: one of its id is there, or was.
    Opened {
        chain: ChainId,
        opened: bool,
    },
    /// The record of a chain was told. `changes` is what it was not told, and whether it is gone.
    Told {
        chain: ChainId,
        changes: Option<(Vec<Change>, bool)>,
    },
    /// An execution began; the rest waits for its end.
    Started {
        rest: Task,
    },
    Woken,
}

pub(super) type Task = Pin<Box<dyn Future<Output = Done>>>;

/// Rings once, at a moment in milliseconds since 1970.
struct Alarm {
    at_ms: i64,
    timer: Pin<Box<dyn Future<Output = ()>>>,
}

#[derive(Default)]
pub(super) struct Tasks {
    running: Vec<Task>,
    /// How many of them Temporal may drop with the history that asked: starts of workflows and signals.
    not_to_be_left: usize,
    rebuilding: bool,
    /// A person had the schedule made anew.
    lost: bool,
    /// Chains whose record is being opened, or waits for that.
    opening: BTreeSet<ChainId>,
    waiting_openings: VecDeque<Opening>,
    /// Chains to which a message is under way: one at a time, so that they arrive in their order.
    telling: BTreeSet<ChainId>,
    alarm: Option<Alarm>,
}

impl Tasks {
    /// What an earlier history of the schedule had under way.
    pub(super) fn resume(&mut self, ctx: &Context, input: &ScheduleInput) {
        let (attempts, is_listing) =
            ctx.state(|state| (state.schedule.attempts_under_way(), state.schedule.is_listing()));
        self.await_executions(ctx, input, attempts);
        if is_listing {
            self.list(ctx, input);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty() && self.waiting_openings.is_empty()
    }

    /// The record of a chain is being opened.
    pub(super) fn is_opening(&self) -> bool {
        !self.opening.is_empty()
    }

    /// Nothing is under way that would be lost with this history.
    pub(super) fn may_be_left(&self) -> bool {
        self.not_to_be_left == 0 && self.waiting_openings.is_empty() && !self.rebuilding
    }

    pub(super) fn find_open_work(&mut self, ctx: &Context, input: &ScheduleInput) {
        if std::mem::replace(&mut self.rebuilding, true) {
            return;
        }
        let request = OpenWorkRequest {
            account: input.account.clone(),
            asked_by: ctx.run_id().to_owned(),
            lost: self.lost,
        };
        let options = until_it_works(&input.timing, "what is open?".to_owned());
        let ctx = ctx.clone();
        self.running.push(Box::pin(async move {
            let found = ctx
                .execute_activity(Activities::find_open_work, request, options)
                .await;
            match found {
                Ok(open) => Done::Rebuilt {
                    settings: open.settings.clone(),
                    event: Box::new(Event::Rebuilt(Box::new(Rebuilt {
                        chains: open.chains,
                        attempts: open.executions,
                        runs: open.runs,
                        halted_by: open.halted_by,
                        clean: open.clean,
                        now_s: open.now_s,
                    }))),
                },
                Err(error) => never(&error),
            }
        }));
    }

    pub(super) fn forget_rebuild(&mut self) {
        self.rebuilding = false;
    }

    /// What is open has to be found out anew, since what was known is thrown away.
    pub(super) fn lose(&mut self) {
        self.rebuilding = false;
        self.lost = true;
    }

    pub(super) fn list(&mut self, ctx: &Context, input: &ScheduleInput) {
        let request = ListRequest {
            account: input.account.clone(),
        };
        let options = until_it_works(&input.timing, "the stacks of the account".to_owned());
        let ctx = ctx.clone();
        self.running.push(Box::pin(async move {
            let listed = ctx
                .execute_activity(Activities::fetch_dependent_stacks, request, options)
                .await;
            match listed {
                Ok(listed) => {
                    let graph = DependencyGraph::build(listed.stacks, &listed.settings.chain.label_prefixes);
                    Done::Listed {
                        audited: listed.audited,
                        event: Box::new(Event::Listed(Box::new(Listed {
                            graph,
                            policies: listed.policies,
                            settings: listed.settings,
                        }))),
                    }
                }
                Err(error) => never(&error),
            }
        }));
    }

    pub(super) fn attempt(&mut self, ctx: &Context, input: &ScheduleInput, request: AttemptRequest) {
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
        self.not_to_be_left += 1;
        self.running.push(Box::pin(async move {
            let started = ctx
                .start_child_workflow(StackExecutionWorkflow::run, execution, options)
                .await;
            let rest: Task = Box::pin(async move {
                let outcome = match started {
                    Ok(child) => child
                        .result()
                        .await
                        .unwrap_or_else(|error| lost(&error.to_string())),
                    // An attempt at this stack is under way, for a schedule that was lost: its outcome counts.
                    Err(_) => end_of_execution(&ctx, &input, &stack).await,
                };
                attempted(stack, outcome)
            });
            Done::Started { rest }
        }));
    }

    pub(super) fn started(&mut self, rest: Task) {
        self.not_to_be_left -= 1;
        self.running.push(rest);
    }

    /// Waits for executions that are no children of this history.
    pub(super) fn await_executions(&mut self, ctx: &Context, input: &ScheduleInput, stacks: Vec<StackId>) {
        for stack in stacks {
            let (ctx, input) = (ctx.clone(), input.clone());
            self.running.push(Box::pin(async move {
                let outcome = end_of_execution(&ctx, &input, &stack).await;
                attempted(stack, outcome)
            }));
        }
    }

    pub(super) fn look(&mut self, ctx: &Context, input: &ScheduleInput, stack: StackId, run: RunId) {
        let summary = format!("{run} of {stack}");
        let request = RunLookRequest {
            account: input.account.clone(),
            stack,
            run,
            told: None,
        };
        let options = until_it_works(&input.timing, summary);
        let ctx = ctx.clone();
        self.running.push(Box::pin(async move {
            // The activity tells the schedule itself, by the same signal as ever.
            let _ = ctx
                .execute_activity(Activities::look_at_run, request, options)
                .await
                .map(|look| matches!(look, RunLook::Run { .. }));
            Done::Woken
        }));
    }

    /// Tells the record of a chain what happened, unless that has to wait: then the changes come back.
    pub(super) fn tell(
        &mut self,
        ctx: &Context,
        chain: &ChainId,
        changes: Vec<Change>,
    ) -> Result<(), Vec<Change>> {
        if self.opening.contains(chain) || !self.telling.insert(chain.clone()) {
            return Err(changes);
        }
        self.not_to_be_left += 1;
        let (ctx, chain) = (ctx.clone(), chain.clone());
        self.running.push(Box::pin(async move {
            let handle = ctx.external_workflow(chain.as_str(), None);
            let told = handle
                .signal(RecordChanges, changes.clone(), SignalWorkflowOptions::default())
                .await;
            let changes = match told {
                Ok(()) => None,
                Err(WorkflowSignalError::NotFound(_)) => Some((changes, true)),
                Err(_) => Some((changes, false)),
            };
            Done::Told { chain, changes }
        }));
        Ok(())
    }

    pub(super) fn told(&mut self, chain: &ChainId) {
        self.telling.remove(chain);
        self.not_to_be_left -= 1;
    }

    /// Sets the alarm clock. One that rings earlier does as well: each timer is paid for.
    pub(super) fn wake_at(&mut self, ctx: &Context, at_ms: Option<i64>, now_ms: i64) {
        let Some(at_ms) = at_ms else { return };
        if self.alarm.as_ref().is_some_and(|alarm| alarm.at_ms <= at_ms) {
            return;
        }
        let pause = Duration::from_millis(u64::try_from(at_ms - now_ms).unwrap_or(0).max(1));
        let timer = ctx.clone();
        let timer = async move {
            timer.timer(pause).await;
        };
        self.alarm = Some(Alarm {
            at_ms,
            timer: Box::pin(timer),
        });
    }

    /// The next that ends. They are polled in their order, so that every replay sees the same one.
    pub(super) fn next(&mut self) -> impl FusedFuture<Output = Done> {
        futures::future::poll_fn(move |cx| {
            for index in 0..self.running.len() {
                if let Poll::Ready(done) = self.running[index].as_mut().poll(cx) {
                    drop(self.running.remove(index));
                    return Poll::Ready(done);
                }
            }
            if let Some(alarm) = &mut self.alarm
                && alarm.timer.as_mut().poll(cx).is_ready()
            {
                self.alarm = None;
                return Poll::Ready(Done::Woken);
            }
            Poll::Pending
        })
        .fuse()
    }
}

async fn end_of_execution(ctx: &Context, input: &ScheduleInput, stack: &StackId) -> AttemptOutcome {
    let request = ExecutionRef {
        account: input.account.clone(),
        stack: stack.clone(),
    };
    let options = until_it_works(&input.timing, format!("the attempt at {stack}"));
    match ctx
        .execute_activity(Activities::look_at_execution, request, options)
        .await
    {
        Ok(Some(outcome)) => outcome,
        Ok(None) => lost("its execution was ended by force"),
        Err(error) => lost(&error.to_string()),
    }
}

/// Nobody knows what the attempt did: the next one looks.
fn lost(why: &str) -> AttemptOutcome {
    AttemptOutcome::Trouble {
        message: why.to_owned(),
        in_doubt: true,
        again_in_ms: None,
    }
}

fn attempted(stack: StackId, outcome: AttemptOutcome) -> Done {
    Done::Event(Box::new(Event::Attempted { stack, outcome }))
}

/// The activity is tried until it works, so this is the end of the workflow itself.
fn never(error: &ActivityExecutionError) -> Done {
    error!("An activity of the schedule ended without an outcome: {error}");
    Done::Woken
}
