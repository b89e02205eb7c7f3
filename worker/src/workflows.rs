//! The workflows. Their type names are part of the product: people look for them in Temporal's UI.

mod audit;
mod freeze;
mod halt;
mod notify;
mod reconcile;
mod run_notify;
mod spacelift_webhook;
mod stack_dependency_chain;
mod stack_execution;
mod stack_schedule;
mod task_guard;

pub use audit::AuditWorkflow;
pub use freeze::FreezeWorkflow;
pub use halt::HaltWorkflow;
pub use notify::NotifyWorkflow;
pub use reconcile::ReconcileWorkflow;
pub use run_notify::RunNotifyWorkflow;
pub use spacelift_webhook::SpaceliftWebhookWorkflow;
pub use stack_dependency_chain::StackDependencyChainWorkflow;
pub use stack_execution::StackExecutionWorkflow;
pub use stack_schedule::StackScheduleWorkflow;
pub use task_guard::task_guard;

use std::time::Duration;

use settings::Timing;
use temporal_client::clock;
use temporalio_client::RetryPolicy;
use temporalio_sdk::{ActivityOptions, WorkflowContext};

/// A crashed worker is noticed after this time.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(15);
/// The limit of an activity whose duration depends on the size of the account. In practice its heartbeats limit it.
const ACTIVITY_TIMEOUT: Duration = Duration::from_secs(3600);
/// The longest pause between attempts of an activity that is retried until it succeeds.
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(300);

/// For activities that only read, or whose writes can be repeated: retried until they succeed, since a fault is no
/// outcome.
fn unlimited_retries(timing: &Timing, summary: String) -> ActivityOptions {
    let retries = RetryPolicy::builder()
        .initial_interval(timing.trigger_backoff)
        .maximum_interval(LONGEST_RETRY_PAUSE)
        .build();
    options(retries, summary)
}

/// For the trigger. A person may cancel the chain after a failed try, so the schedule decides whether to try again.
fn one_try(summary: String) -> ActivityOptions {
    options(RetryPolicy::builder().maximum_attempts(1).build(), summary)
}

fn options(retries: RetryPolicy, summary: String) -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(ACTIVITY_TIMEOUT)
        .heartbeat_timeout(HEARTBEAT_TIMEOUT)
        .retry_policy(retries)
        .summary(summary)
        .build()
}

/// The workflow's own time, which is the same in every replay.
fn now_ms<W>(ctx: &WorkflowContext<W>) -> i64 {
    ctx.workflow_time().map_or(0, clock::since_1970_ms)
}

/// Whether the history is long enough to continue in a new one, by events or by bytes.
fn is_history_full<W>(ctx: &WorkflowContext<W>, timing: &Timing) -> bool {
    ctx.history_length() > timing.history_events || ctx.continue_as_new_suggested()
}
