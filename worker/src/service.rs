//! The worker from its start to its end.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use audit::Store;
use environment::Variables;
use orchestrator::{Orchestrator, Settings, TemporalSettings};
use spacelift::Spacelift;
use telemetry::Namespace;
use temporalio_client::Client;
use temporalio_common::telemetry::TelemetryOptions;
use temporalio_sdk::runtime::RuntimeOptions;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tracing::{info, warn};

use crate::activities::Activities;
use crate::cloudwatch;
use crate::endpoints::{self, Health};
use crate::metrics;
use crate::workflows::{
    HaltWorkflow, ReconcileWorkflow, SpaceliftWebhookWorkflow, StackDependencyChainWorkflow,
    StackExecutionWorkflow, StackScheduleWorkflow,
};

/// The first and the longest pause between attempts to reach Temporal at the start.
const CONNECT_PAUSE_FIRST: Duration = Duration::from_millis(500);
const CONNECT_PAUSE_LONGEST: Duration = Duration::from_secs(30);
/// How long work in hand may take after SIGTERM: less than the 120 seconds that Fargate allows at most.
const DRAIN: Duration = Duration::from_secs(100);

/// All that a worker needs to know.
pub struct Config {
    pub temporal: TemporalSettings,
    pub spacelift: Spacelift,
    pub settings: Settings,
    /// Where chains write their audit logs, if anywhere.
    pub audit: Option<Store>,
    pub metrics: Namespace,
}

impl Config {
    /// From variables, with everything that is wrong in one message.
    pub async fn from_variables(variables: &Variables) -> anyhow::Result<Self> {
        let lookup = |name: &str| variables.get(name).cloned();
        let mut problems = Vec::new();
        let mut noted = |error: anyhow::Error| problems.push(format!("{error:#}"));
        let temporal = TemporalSettings::from_variables(variables).map_err(|error| noted(error.into()));
        let spacelift = Spacelift::from_lookup(lookup).map_err(|error| noted(error.into()));
        let settings = Settings::from_lookup(lookup).map_err(|error| noted(error.into()));
        let audit = Store::from_lookup(lookup)
            .await
            .map_err(|error| noted(error.into()));
        let (Ok(temporal), Ok(spacelift), Ok(settings), Ok(audit)) = (temporal, spacelift, settings, audit)
        else {
            anyhow::bail!("the worker cannot start:\n{}", problems.join("\n"))
        };
        Ok(Self {
            temporal,
            spacelift,
            settings,
            audit,
            metrics: Namespace::from_lookup(lookup),
        })
    }
}

/// Works until `stop` completes; then finishes what is in hand and returns.
pub async fn serve(
    config: Config,
    endpoints_address: Option<SocketAddr>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let health = Health::default();
    let exporter = metrics::start()?;
    if let Some(address) = endpoints_address {
        let listener = endpoints::listen(address).await?;
        tokio::spawn(endpoints::serve(listener, health.clone(), exporter.address));
    }
    if config.metrics.is_wanted() {
        tokio::spawn(cloudwatch::tell(config.metrics, exporter.address));
    }
    tokio::pin!(stop);
    let client = tokio::select! {
        client = connect(&config.temporal) => client,
        () = &mut stop => return Ok(()),
    };
    let task_queue = config.settings.task_queue.clone();
    let sweep_every = config.settings.sweep_every;
    let orchestrator = Orchestrator::new(client.clone(), config.settings);
    // Without the schedule chains still run, so it is no reason not to start.
    if let Err(error) = orchestrator.schedule_sweeps(sweep_every).await {
        warn!("{:#}", anyhow::Error::new(error));
    }
    let activities = Activities::new(config.spacelift, orchestrator, config.audit);
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
        .register_workflow::<HaltWorkflow>()?
        .register_workflow::<ReconcileWorkflow>()?
        .build();
    let mut worker = Worker::new(&runtime, client, options).context("the worker cannot start")?;
    let shut_down = worker.shutdown_handle();
    info!(temporal.task_queue = %task_queue, "Working on task queue `{task_queue}`");
    health.set_polling(true);
    let run = worker.run();
    tokio::pin!(run);
    tokio::select! {
        ended = &mut run => {
            ended.context("the worker cannot go on")?;
            anyhow::bail!("the worker ended though nobody told it to");
        }
        () = &mut stop => {
            info!("Stopping: finishing what is in hand");
            health.set_polling(false);
            shut_down();
        }
    }
    run.await.context("the worker did not stop cleanly")?;
    info!("Stopped");
    Ok(())
}

/// Waits for Temporal, however long it is away.
async fn connect(settings: &TemporalSettings) -> Client {
    let mut pause = CONNECT_PAUSE_FIRST;
    loop {
        match settings.connect().await {
            Ok(client) => return client,
            Err(error) => warn!("{:#}; trying again in {pause:?}", anyhow::Error::new(error)),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(CONNECT_PAUSE_LONGEST);
    }
}
