//! The workflows. Their type names are part of the product: people look for them in Temporal's UI.

mod chain_walk;
mod execution;
mod follow;
mod reconcile;

pub use chain_walk::StackDependencyChainWorkflow;
pub use execution::StackExecutionWorkflow;
pub use follow::SpaceliftWebhookWorkflow;
pub use reconcile::ReconcileWorkflow;

use std::time::Duration;

use orchestrator::clock;
use orchestrator::settings::Timing;
use temporalio_client::RetryPolicy;
use temporalio_sdk::{ActivityOptions, WorkflowContext};

/// How long one call of Spacelift's API may take, with a page or two. The client's own limit is shorter, so that a
/// later attempt never runs beside an earlier one of a worker that lives.
const CALL_TIMEOUT: Duration = Duration::from_secs(90);
/// A worker that died is noticed after this long.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(15);
/// The longest pause between attempts of an activity that is tried until it works.
const LONGEST_RETRY_PAUSE: Duration = Duration::from_secs(300);

/// For activities that only look: tried until they work, since nothing is lost by waiting.
fn patient(timing: &Timing, summary: String) -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(CALL_TIMEOUT)
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

/// For activities that change something: tried as often as the settings say.
fn counted(timing: &Timing, summary: String) -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(CALL_TIMEOUT)
        .heartbeat_timeout(HEARTBEAT_TIMEOUT)
        .retry_policy(
            RetryPolicy::builder()
                .initial_interval(timing.trigger_backoff)
                .maximum_interval(LONGEST_RETRY_PAUSE)
                .maximum_attempts(timing.trigger_attempts)
                .build(),
        )
        .summary(summary)
        .build()
}

/// The workflow's own time, which is the same in every replay.
fn now_ms<W>(ctx: &WorkflowContext<W>) -> i64 {
    ctx.workflow_time().map_or(0, clock::since_1970_ms)
}
