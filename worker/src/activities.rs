//! The activities: all reads from and writes to Spacelift.

mod audit_log;
mod execution;
mod impact;
mod limits;
mod listing;
mod lost_causes;
mod notices;
mod open_chains;
mod open_work;
mod repair;
mod retry;
mod run;
mod stop;
mod sweep;
mod trigger;

use std::sync::Arc;
use std::time::Duration;

use audit::{Record, Store};
use chain::{AccountName, AttemptOutcome, AttemptRequest, ChainId};
use futures::FutureExt;
use futures::future::BoxFuture;
use notify::Notifier;
use spacelift::Spacelift;
use temporal_client::contract::{
    AuditRecords, ExecutionRef, FollowResult, ListRequest, ListedStacks, OpenChains, OpenWork,
    OpenWorkRequest, RetryRequest, RunLook, RunLookRequest, RunRequested, RunStop, SendNotices,
    SendRunNotices, SentNotices, SentRunNotices, SweepOutcome,
};
use temporal_client::{WorkflowClient, clock};
use temporalio_sdk::activities::{ActivityContext, ActivityError, activities};
use tokio::sync::OnceCell;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::failure::activity_error;
use crate::traces;

/// The period of heartbeats: short enough that two may be lost. The first is sent after one period, since each costs
/// money and most activities take less.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The state that activities share.
pub struct Activities {
    spacelift: Spacelift,
    workflows: WorkflowClient,
    /// The audit log of chains, if any.
    audit: Option<Store>,
    /// The sinks of messages about chains.
    notifier: Notifier,
    /// The account of our API key, as Spacelift names it.
    account: OnceCell<AccountName>,
}

impl Activities {
    pub fn new(
        spacelift: Spacelift,
        workflows: WorkflowClient,
        audit: Option<Store>,
        notifier: Notifier,
    ) -> Self {
        Self {
            spacelift,
            workflows,
            audit,
            notifier,
            account: OnceCell::new(),
        }
    }

    /// The account of our API key. Requests for other accounts are not executed.
    async fn account(&self) -> Result<&AccountName, ActivityError> {
        self.account
            .get_or_try_init(|| self.spacelift.account_name())
            .await
            .map_err(activity_error)
    }
}

#[activities]
impl Activities {
    /// Lists all stacks of the account, from which the schedule plans.
    #[activity(name = "fetch_dependent_stacks")]
    pub async fn fetch_dependent_stacks(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: ListRequest,
    ) -> Result<ListedStacks, ActivityError> {
        with_heartbeats(ctx, self.list(&request).boxed()).await
    }

    /// Looks up a run, and signals the schedule if the run ended or what it waits for changed.
    #[activity(name = "look_at_run")]
    pub async fn look_at_run(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: RunLookRequest,
    ) -> Result<RunLook, ActivityError> {
        with_heartbeats(ctx, self.look(&request).boxed()).await
    }

    /// Passes a request for a run to the schedule.
    #[activity(name = "request_stack_run")]
    pub async fn request_stack_run(
        self: Arc<Self>,
        ctx: ActivityContext,
        requested: RunRequested,
    ) -> Result<FollowResult, ActivityError> {
        with_heartbeats(ctx, self.request(&requested).boxed()).await
    }

    /// Passes a request for a retry of a chain to the schedule.
    #[activity(name = "request_chain_retry")]
    pub async fn request_chain_retry(
        self: Arc<Self>,
        ctx: ActivityContext,
        retry: RetryRequest,
    ) -> Result<FollowResult, ActivityError> {
        with_heartbeats(ctx, self.request_retry(&retry).boxed()).await
    }

    /// Ends a run as its state allows, unless it is confirmed or applies.
    #[activity(name = "stop_run")]
    pub async fn stop_run(self: Arc<Self>, ctx: ActivityContext, stop: RunStop) -> Result<(), ActivityError> {
        with_heartbeats(ctx, self.end_run(&stop).boxed()).await
    }

    /// Looks at a stack, and triggers a run or returns why not.
    #[activity(name = "trigger_stack_run")]
    pub async fn trigger_stack_run(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: AttemptRequest,
    ) -> Result<AttemptOutcome, ActivityError> {
        let (began_ms, asked) = (clock::now_ms(), request.clone());
        let attempt = trigger::Attempt::begin(&ctx, request);
        let outcome = with_heartbeats(ctx, self.try_stack(attempt).boxed()).await?;
        traces::attempted(&asked, &outcome, (began_ms, clock::now_ms()));
        Ok(outcome)
    }

    /// Waits for the end of an attempt that another schedule started.
    #[activity(name = "look_at_execution")]
    pub async fn look_at_execution(
        self: Arc<Self>,
        ctx: ActivityContext,
        execution: ExecutionRef,
    ) -> Result<Option<AttemptOutcome>, ActivityError> {
        with_heartbeats(ctx, self.end_of_execution(&execution).boxed()).await
    }

    /// Finds what is open in an account, for a schedule that does not know it.
    #[activity(name = "find_open_work")]
    pub async fn find_open_work(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: OpenWorkRequest,
    ) -> Result<OpenWork, ActivityError> {
        with_heartbeats(ctx, self.open_work(&request).boxed()).await
    }

    /// Reads the records of open chains that did not fit into the answer before.
    #[activity(name = "read_open_chains")]
    pub async fn read_open_chains(
        self: Arc<Self>,
        ctx: ActivityContext,
        chains: Vec<ChainId>,
    ) -> Result<OpenChains, ActivityError> {
        with_heartbeats(ctx, self.read_chains(chains).map(Ok).boxed()).await
    }

    /// Writes a batch of a chain's audit log. Idempotent.
    #[activity(name = "write_audit_records")]
    pub async fn write_audit_records(
        self: Arc<Self>,
        ctx: ActivityContext,
        records: AuditRecords,
    ) -> Result<(), ActivityError> {
        let began_ms = clock::now_ms();
        with_heartbeats(ctx, audit_log::write(self.audit.as_ref(), &records).boxed()).await?;
        traces::worked(&records.chain, "write audit log", (began_ms, clock::now_ms()));
        Ok(())
    }

    /// Writes a record of the audit log that belongs to no chain.
    #[activity(name = "write_audit_record")]
    pub async fn write_audit_record(
        self: Arc<Self>,
        ctx: ActivityContext,
        record: Record,
    ) -> Result<(), ActivityError> {
        with_heartbeats(
            ctx,
            audit_log::write_unlinked(self.audit.as_ref(), &record).boxed(),
        )
        .await
    }

    /// Sends messages about a chain to all sinks that are due.
    #[activity(name = "send_notices")]
    pub async fn send_notices(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: SendNotices,
    ) -> Result<SentNotices, ActivityError> {
        with_heartbeats(ctx, self.notify(request).map(Ok).boxed()).await
    }

    /// Sends the messages about a run that are due.
    #[activity(name = "send_run_notices")]
    pub async fn send_run_notices(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: SendRunNotices,
    ) -> Result<SentRunNotices, ActivityError> {
        with_heartbeats(ctx, self.notify_of_run(request).map(Ok).boxed()).await
    }

    /// Records the runs whose webhook was missed.
    #[activity(name = "record_missed_runs")]
    pub async fn record_missed_runs(
        self: Arc<Self>,
        ctx: ActivityContext,
        since_ms: i64,
    ) -> Result<SweepOutcome, ActivityError> {
        with_heartbeats(ctx, self.sweep(since_ms).boxed()).await
    }
}

/// Does the work while sending heartbeats. If Temporal has started another attempt instead, the work ends at once: it
/// must not change anything any more.
async fn with_heartbeats<T>(
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
