//! The activities: every look at Spacelift and every change there.

mod audit_log;
mod dependents;
mod execution;
mod run;
mod sweep;
mod trigger;

pub use audit_log::AuditRecords;
pub use run::{RunFacts, RunRef, Survey, SurveyRequest};
pub use trigger::{TriggerRequest, Triggered};

use std::sync::Arc;
use std::time::Duration;

use audit::Store;
use chain::Root;
use futures::FutureExt;
use futures::future::BoxFuture;
use orchestrator::contract::{ExecutionOutcome, Fetched, SweepOutcome};
use orchestrator::{ExecutionId, Orchestrator};
use spacelift::Spacelift;
use temporalio_sdk::activities::{ActivityContext, ActivityError, activities};

/// How often Temporal is told that an activity is alive: often enough for two beats to get lost.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// What activities work with.
pub struct Activities {
    spacelift: Spacelift,
    orchestrator: Orchestrator,
    /// Where chains write their audit logs, if anywhere.
    audit: Option<Store>,
}

impl Activities {
    pub fn new(spacelift: Spacelift, orchestrator: Orchestrator, audit: Option<Store>) -> Self {
        Self {
            spacelift,
            orchestrator,
            audit,
        }
    }
}

#[activities]
impl Activities {
    /// The chain that a finished run starts.
    #[activity(name = "fetch_dependent_stacks")]
    pub async fn fetch_dependent_stacks(
        self: Arc<Self>,
        ctx: ActivityContext,
        root: Root,
    ) -> Result<Fetched, ActivityError> {
        let settings = &self.orchestrator.settings().chain;
        let audited = self.audit.is_some();
        alive(
            ctx,
            dependents::fetch(&self.spacelift, settings, &root, audited).boxed(),
        )
        .await
    }

    /// What Spacelift says of a run; `None` where it knows none.
    #[activity(name = "look_at_run")]
    pub async fn look_at_run(
        self: Arc<Self>,
        ctx: ActivityContext,
        subject: RunRef,
    ) -> Result<Option<RunFacts>, ActivityError> {
        alive(ctx, run::look(&self.spacelift, &subject).boxed()).await
    }

    /// What holds a stack back, and which of its runs is the newest.
    #[activity(name = "survey_stack")]
    pub async fn survey_stack(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: SurveyRequest,
    ) -> Result<Survey, ActivityError> {
        alive(ctx, run::survey(&self.spacelift, &request).boxed()).await
    }

    /// How the execution of a stack ended; `None` while it goes on.
    #[activity(name = "look_at_execution")]
    pub async fn look_at_execution(
        self: Arc<Self>,
        ctx: ActivityContext,
        id: ExecutionId,
    ) -> Result<Option<ExecutionOutcome>, ActivityError> {
        alive(ctx, execution::look(&self.orchestrator, &id).boxed()).await
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

    /// Records the runs that finished after a moment and of which nobody told.
    #[activity(name = "record_missed_runs")]
    pub async fn record_missed_runs(
        self: Arc<Self>,
        ctx: ActivityContext,
        since_ms: i64,
    ) -> Result<SweepOutcome, ActivityError> {
        let settings = &self.orchestrator.settings().chain;
        alive(
            ctx,
            sweep::record_missed_runs(&self.spacelift, &self.orchestrator, settings, since_ms).boxed(),
        )
        .await
    }

    /// Makes a stack's run, or finds the one that an earlier attempt made.
    #[activity(name = "trigger_stack_run")]
    pub async fn trigger_stack_run(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: TriggerRequest,
    ) -> Result<Triggered, ActivityError> {
        alive(
            ctx,
            trigger::trigger(&self.spacelift, &self.orchestrator, &request).boxed(),
        )
        .await
    }
}

/// Does the work while telling Temporal that it goes on.
async fn alive<T>(
    ctx: ActivityContext,
    mut work: BoxFuture<'_, Result<T, ActivityError>>,
) -> Result<T, ActivityError> {
    let mut beat = tokio::time::interval(HEARTBEAT);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = beat.tick() => ctx.record_heartbeat(()).await?,
        }
    }
}
