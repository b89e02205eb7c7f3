//! The activities: every look at Spacelift and every change there.

mod audit_log;
mod execution;
mod listing;
mod open_work;
mod run;
mod sweep;
mod trigger;

pub use audit_log::AuditRecords;
pub use execution::ExecutionRef;
pub use run::RunRequested;

use std::sync::Arc;
use std::time::Duration;

use audit::Store;
use chain::{AccountName, AttemptOutcome, AttemptRequest};
use futures::FutureExt;
use futures::future::BoxFuture;
use orchestrator::Orchestrator;
use orchestrator::contract::{
    FollowResult, ListRequest, ListedStacks, OpenWork, OpenWorkRequest, RunLook, RunLookRequest, SweepOutcome,
};
use spacelift::Spacelift;
use temporalio_sdk::activities::{ActivityContext, ActivityError, activities};
use tokio::sync::OnceCell;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::failure::activity_error;

/// How often Temporal is told that an activity is alive: often enough for two beats to get lost. The first beat comes
/// after one period, since each is paid for and most activities take less.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// What activities work with.
pub struct Activities {
    spacelift: Spacelift,
    orchestrator: Orchestrator,
    /// Where chains write their audit logs, if anywhere.
    audit: Option<Store>,
    /// The account to which our key belongs, as Spacelift says.
    account: OnceCell<AccountName>,
}

impl Activities {
    pub fn new(spacelift: Spacelift, orchestrator: Orchestrator, audit: Option<Store>) -> Self {
        Self {
            spacelift,
            orchestrator,
            audit,
            account: OnceCell::new(),
        }
    }

    /// The account to which our key belongs. Whatever names another one is not acted on.
    async fn account(&self) -> Result<&AccountName, ActivityError> {
        self.account
            .get_or_try_init(|| self.spacelift.account_name())
            .await
            .map_err(activity_error)
    }
}

#[activities]
impl Activities {
    /// All stacks of the account, from which the schedule plans.
    #[activity(name = "fetch_dependent_stacks")]
    pub async fn fetch_dependent_stacks(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: ListRequest,
    ) -> Result<ListedStacks, ActivityError> {
        alive(ctx, self.list(&request).boxed()).await
    }

    /// Looks at a run, and tells the schedule of its end or of what it waits for.
    #[activity(name = "look_at_run")]
    pub async fn look_at_run(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: RunLookRequest,
    ) -> Result<RunLook, ActivityError> {
        alive(ctx, self.look(&request).boxed()).await
    }

    /// Tells the schedule that somebody wants a stack to run.
    #[activity(name = "request_stack_run")]
    pub async fn request_stack_run(
        self: Arc<Self>,
        ctx: ActivityContext,
        requested: RunRequested,
    ) -> Result<FollowResult, ActivityError> {
        alive(ctx, self.request(&requested).boxed()).await
    }

    /// Looks at a stack, and triggers its run, or says why not.
    #[activity(name = "trigger_stack_run")]
    pub async fn trigger_stack_run(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: AttemptRequest,
    ) -> Result<AttemptOutcome, ActivityError> {
        let attempt = trigger::Attempt::begin(&ctx, request);
        alive(ctx, self.try_stack(attempt).boxed()).await
    }

    /// Waits for the end of an attempt that another schedule began.
    #[activity(name = "look_at_execution")]
    pub async fn look_at_execution(
        self: Arc<Self>,
        ctx: ActivityContext,
        execution: ExecutionRef,
    ) -> Result<Option<AttemptOutcome>, ActivityError> {
        alive(ctx, self.end_of_execution(&execution).boxed()).await
    }

    /// What is open in an account, for a schedule that does not know it.
    #[activity(name = "find_open_work")]
    pub async fn find_open_work(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: OpenWorkRequest,
    ) -> Result<OpenWork, ActivityError> {
        alive(ctx, self.open_work(&request).boxed()).await
    }

    /// Writes a batch of a chain's audit log. Written again, it is the same.
    #[activity(name = "write_audit_records")]
    pub async fn write_audit_records(
        self: Arc<Self>,
        ctx: ActivityContext,
        records: AuditRecords,
    ) -> Result<(), ActivityError> {
        alive(ctx, audit_log::write(self.audit.as_ref(), &records).boxed()).await
    }

    /// Records the runs of which no webhook told.
    #[activity(name = "record_missed_runs")]
    pub async fn record_missed_runs(
        self: Arc<Self>,
        ctx: ActivityContext,
        since_ms: i64,
    ) -> Result<SweepOutcome, ActivityError> {
        alive(ctx, self.sweep(since_ms).boxed()).await
    }
}

/// Does the work while telling Temporal that it goes on. Work whose place was given to another attempt ends at once: it
/// must change nothing any more.
async fn alive<T>(
    ctx: ActivityContext,
    mut work: BoxFuture<'_, Result<T, ActivityError>>,
) -> Result<T, ActivityError> {
    let mut beat = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = ctx.cancelled() => return Err(ActivityError::cancelled()),
            _ = beat.tick() => ctx.record_heartbeat(()).await?,
        }
    }
}
