//! The workflows. Their type names are part of the product: people look for them in Temporal's UI.

mod halt;
mod reconcile;
mod spacelift_webhook;
mod stack_dependency_chain;
mod stack_execution;
mod stack_schedule;

pub use halt::HaltWorkflow;
pub use reconcile::ReconcileWorkflow;
pub use spacelift_webhook::SpaceliftWebhookWorkflow;
pub use stack_dependency_chain::StackDependencyChainWorkflow;
pub use stack_execution::StackExecutionWorkflow;
pub use stack_schedule::StackScheduleWorkflow;

use std::time::Duration;

use orchestrator::clock;
use orchestrator::settings::Timing;
use temporalio_client::RetryPolicy;
use temporalio_sdk::{ActivityOptions, WorkflowContext};

/// A worker that died is noticed after this long.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an activity may take that grows with the account. Its heartbeats are what bounds it.
const ACTIVITY_TIMEOUT: Duration = Duration::from_secs(3600);
/// The longest pause between attempts of an activity that is tried until it works.
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(300);

/// For activities that only look or write what may be written twice: tried until they work, since a fault is no outcome.
fn until_it_works(timing: &Timing, summary: String) -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(ACTIVITY_TIMEOUT)
        .heartbeat_timeout(HEARTBEAT_TIMEOUT)
        .retry_policy(
            RetryPolicy::builder()
                .initial_interval(timing.trigger_backoff)
                .maximum_interval(LONGEST_RETRY_PAUSE)
                .build(),
        )
        .summary(summary)
        .build()
}

/// The workflow's own time, which is the same in every replay.
fn now_ms<W>(ctx: &WorkflowContext<W>) -> i64 {
    ctx.workflow_time().map_or(0, clock::since_1970_ms)
}

/// Whether the history is long enough for the workflow to go on in a new one: by events, or by bytes.
fn is_history_full<W>(ctx: &WorkflowContext<W>, timing: &Timing) -> bool {
    ctx.history_length() > timing.history_events || ctx.continue_as_new_suggested()
}
