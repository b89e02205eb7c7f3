//! The worker, from start to shutdown.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use audit::Store;
use environment::Variables;
use notify::Notifier;
use settings::{Problems, Settings};
use spacelift::Spacelift;
use telemetry::Namespace;
use temporal_client::{TemporalSettings, WorkflowClient, clock};
use temporalio_client::Client;
use temporalio_common::telemetry::TelemetryOptions;
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tracing::{info, warn};

use crate::activities::Activities;
use crate::cloudwatch;
use crate::endpoints::{self, Health};
use crate::metrics;
use crate::traces::{self, TraceSettings};
use crate::workflows::{
    AuditWorkflow, FreezeWorkflow, HaltWorkflow, NotifyWorkflow, ReconcileWorkflow, RunNotifyWorkflow,
    SpaceliftWebhookWorkflow, StackDependencyChainWorkflow, StackExecutionWorkflow, StackScheduleWorkflow,
    task_guard,
};

/// The first and the longest pause between attempts to reach Temporal at the start.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_LONGEST: Duration = Duration::from_secs(30);
/// How long the shutdown waits for running work: less than the 120 seconds that Fargate allows at most.
const DRAIN: Duration = Duration::from_secs(100);

/// How long the shutdown waits for the receiver of traces.
const FLUSH: Duration = Duration::from_secs(5);

/// The configuration of a worker.
pub struct Config {
    pub temporal: TemporalSettings,
    pub spacelift: Spacelift,
    pub settings: Settings,
    /// The audit log of chains, if any.
    pub audit: Option<Store>,
    /// The sinks of messages about chains.
    pub notifier: Notifier,
    pub metrics: Namespace,
    /// Where traces are sent, if they are.
    pub traces: Option<TraceSettings>,
}

impl Config {
    /// Reads variables, and reports all problems in one message.
    pub async fn from_variables(variables: &Variables) -> anyhow::Result<Self> {
        let lookup = |name: &str| variables.get(name).cloned();
        let mut problems = Problems::default();
        let temporal = problems.check(TemporalSettings::from_variables(variables));
        let spacelift = problems.check(Spacelift::from_lookup(lookup));
        let settings = problems.check(Settings::from_lookup(lookup));
        let audit = problems.check(Store::from_lookup(lookup).await);
        let account = spacelift.as_ref().map(|spacelift| spacelift.web_url().to_owned());
        let traces = problems.check(TraceSettings::from_lookup(lookup, account.clone()));
        let notifier = problems.check(Notifier::from_lookup(lookup, account).await);
        let (Some(temporal), Some(spacelift), Some(settings), Some(audit), Some(notifier), Some(traces)) =
            (temporal, spacelift, settings, audit, notifier, traces)
        else {
            anyhow::bail!("the worker cannot start:\n{problems}")
        };
        Ok(Self {
            temporal,
            spacelift,
            settings,
            audit,
            notifier,
            metrics: Namespace::from_lookup(lookup),
            traces,
        })
    }
}

/// Works until `stop` completes; then finishes the running work and returns.
pub async fn serve(
    config: Config,
    endpoints_address: Option<SocketAddr>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let health = Health::default();
    let exporter = metrics::start()?;
    if let Some(settings) = config.traces {
        traces::start(settings)?;
    }
    if let Some(address) = endpoints_address {
        let listener = endpoints::listen(address).await?;
        tokio::spawn(endpoints::serve(listener, health.clone(), exporter.address));
    }
    if config.metrics.is_enabled() {
        tokio::spawn(cloudwatch::emit_every_minute(config.metrics, exporter.address));
    }
    tokio::pin!(stop);
    let client = tokio::select! {
        client = connect(&config.temporal) => client,
        () = &mut stop => return Ok(()),
    };
    let task_queue = config.settings.task_queue.clone();
    let sweep_every = config.settings.sweep_every;
    let workflows = WorkflowClient::new(client.clone(), config.settings);
    tokio::spawn(schedule_sweeps(workflows.clone(), sweep_every));
    let activities = Activities::new(config.spacelift, workflows, config.audit, config.notifier);
    let telemetry = TelemetryOptions::builder().metrics(exporter.meter).build();
    let runtime_options = RuntimeOptions::builder()
        .telemetry_options(telemetry)
        .build()
        .map_err(anyhow::Error::msg)?;
    let runtime =
        Runtime::from_current_tokio(runtime_options).context("the Temporal runtime cannot start")?;
    let options = WorkerOptions::new(&task_queue)
        .graceful_shutdown_period(DRAIN)
        .register_activities(activities)
        .register_workflow::<SpaceliftWebhookWorkflow>()?
        .register_workflow::<StackDependencyChainWorkflow>()?
        .register_workflow::<StackExecutionWorkflow>()?
        .register_workflow::<StackScheduleWorkflow>()?
        .register_workflow::<AuditWorkflow>()?
        .register_workflow::<FreezeWorkflow>()?
        .register_workflow::<HaltWorkflow>()?
        .register_workflow::<NotifyWorkflow>()?
        .register_workflow::<ReconcileWorkflow>()?
        .register_workflow::<RunNotifyWorkflow>()?
        .register_workflow_interceptors(vec![task_guard()])
        .build();
    let mut worker = Worker::new(&runtime, client, options).context("the worker cannot start")?;
    let shut_down = worker.shutdown_handle();
    info!(temporal.task_queue = %task_queue, "Working on task queue `{task_queue}`");
    health.set_polling(true);
    let run = worker.run();
    tokio::pin!(run);
    tokio::select! {
        ended = &mut run => {
            ended.context("the worker failed")?;
            anyhow::bail!("the worker stopped without a stop signal");
        }
        () = &mut stop => {
            info!("Stopping; finishing running tasks");
            health.set_polling(false);
            shut_down();
        }
    }
    run.await.context("the worker did not stop cleanly")?;
    traces::flush(FLUSH).await;
    info!("Stopped");
    Ok(())
}

/// Sets the schedule of the sweep. Chains also run without it, so a failure does not prevent the start. A namespace that
/// was just created is not found for some seconds.
async fn schedule_sweeps(workflows: WorkflowClient, every: Duration) {
    let since_ms = clock::now_ms();
    until_it_succeeds(|| workflows.schedule_sweeps(every, since_ms)).await;
}

/// Waits until Temporal can be reached.
async fn connect(settings: &TemporalSettings) -> Client {
    until_it_succeeds(|| settings.connect()).await
}

/// Tries again with growing pauses.
async fn until_it_succeeds<T, E, Trying>(attempt: impl Fn() -> Trying) -> T
where
    Trying: Future<Output = Result<T, E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    let mut pause = PAUSE_FIRST;
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => warn!("{:#}; trying again in {pause:?}", anyhow::Error::new(error)),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_LONGEST);
    }
}
