//! Refuses to run a workflow without a workflow task.
//!
//! When a worker is lost, Temporal can send a query to the next one together with events for which no workflow task has
//! begun. The SDK applies such events at once, with the time of the task before, and records what the workflow then does
//! with the next task. A replay applies them with that task and its time, decides differently, and so fails forever.
//! Instead, the query fails here, and the worker forgets the workflow. The next task begins with a replay.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::time::SystemTime;

use temporal_client::contract::EARLY_QUERY;
use temporalio_sdk::workflow_interceptors::{
    ExecuteWorkflowInput, ExecuteWorkflowResult, WorkflowInterceptor, WorkflowInterceptorConstructor,
    WorkflowInterceptorContext, WorkflowInterceptorFuture, WorkflowNext,
};

pub fn task_guard() -> WorkflowInterceptorConstructor {
    WorkflowInterceptorConstructor::new(|_| TaskGuard)
}

struct TaskGuard;

impl WorkflowInterceptor for TaskGuard {
    fn execute<'a>(
        &'a self,
        ctx: WorkflowInterceptorContext,
        input: ExecuteWorkflowInput,
        next: WorkflowNext<'a, ExecuteWorkflowInput, WorkflowInterceptorFuture<'a, ExecuteWorkflowResult>>,
    ) -> WorkflowInterceptorFuture<'a, ExecuteWorkflowResult> {
        let run = next.run(input);
        WorkflowInterceptorFuture::new(async move {
            let mut run = pin!(run);
            let mut before = None;
            poll_fn(move |cx| {
                let now = Moment {
                    events: ctx.history_length(),
                    time: ctx.workflow_time(),
                };
                let before = before.replace(now);
                // A replay applies events with their tasks.
                if !ctx.is_replaying() && before.is_some_and(|before| !now.is_in_a_task_after(before)) {
                    // This fails the task as a panic does, but prints no panic.
                    std::panic::resume_unwind(Box::new(EARLY_QUERY));
                }
                run.as_mut().poll(cx)
            })
            .await
        })
    }
}

/// How far a workflow has come.
#[derive(Debug, Clone, Copy)]
struct Moment {
    events: u32,
    /// When the newest workflow task began.
    time: Option<SystemTime>,
}

impl Moment {
    /// Every task has its own time. If the clock of a server is behind, the task fails, and Temporal repeats it until the
    /// clock has caught up.
    fn is_in_a_task_after(self, before: Self) -> bool {
        self.events <= before.events || self.time > before.time
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::Moment;

    fn at(events: u32, seconds: u64) -> Moment {
        Moment {
            events,
            time: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    }

    #[test]
    fn new_events_need_a_new_task() {
        for (before, now, expected) in [
            (at(85, 28), at(122, 39), true),
            // The same task goes on.
            (at(85, 28), at(85, 28), true),
            (at(85, 28), at(119, 28), false),
            (at(85, 28), at(119, 27), false),
        ] {
            assert_eq!(now.is_in_a_task_after(before), expected, "{before:?} {now:?}");
        }
    }
}
