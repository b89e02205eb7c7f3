//! Temporal, a Spacelift account in memory, the webhook and a worker, in this process but for Temporal.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, bail};
use audit::Store;
use chain::AccountName;
use chain::signature::{WebhookSecret, WebhookSecrets};
use mock_spacelift::{KEY_ID, KEY_SECRET, MockSpacelift, NewWebhook, Pace, Server};
use orchestrator::{Orchestrator, TemporalSettings};
use spacelift::Spacelift;
use telemetry::Namespace;
use temporal_server::DevServer;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::command::settings;
use crate::output;

/// The secret that signs deliveries between parts that run on one machine only.
pub(crate) const WEBHOOK_SECRET: &str = "spillway-dev-webhook-secret";
const NAMESPACE: &str = "default";

/// Where the parts listen. Port 0 is any free one.
#[derive(Debug, Clone)]
pub(crate) struct Ports {
    pub(crate) temporal: Temporal,
    pub(crate) webhook: SocketAddr,
    pub(crate) spacelift: SocketAddr,
}

/// The Temporal server to use.
#[derive(Debug, Clone)]
pub(crate) enum Temporal {
    /// One that runs already.
    Running { address: String },
    /// One of our own.
    Own {
        port: Option<u16>,
        ui_port: Option<u16>,
        database: Option<PathBuf>,
    },
}

/// The running parts. Stop them with [`System::stop`]; dropped, they end as in a crash, which leaves no process
/// behind either.
pub(crate) struct System {
    pub(crate) spacelift: MockSpacelift,
    pub(crate) spacelift_url: String,
    pub(crate) webhook: SocketAddr,
    pub(crate) temporal: String,
    pub(crate) account: AccountName,
    pub(crate) orchestrator: Orchestrator,
    server: Server,
    temporal_server: Option<DevServer>,
    stopping: watch::Sender<bool>,
    worker: JoinHandle<anyhow::Result<()>>,
}

impl System {
    pub(crate) async fn start(
        ports: Ports,
        spacelift: MockSpacelift,
        pace: Duration,
    ) -> anyhow::Result<Self> {
        let webhook_listener = listen(ports.webhook, "the webhook", "--webhook-port").await?;
        let webhook = webhook_listener.local_addr()?;
        spacelift.pace(Pace::Every(pace));
        let server = spacelift.serve(ports.spacelift).await.with_context(|| {
            format!(
                "the Spacelift account cannot listen on {}; choose another with --spacelift-port",
                ports.spacelift
            )
        })?;
        let spacelift_url = server.url();
        let (temporal_server, temporal) = start_temporal(ports.temporal).await?;

        let settings = settings()?;
        let audit = Store::from_lookup(|name| std::env::var(name).ok()).await?;
        let temporal_settings = TemporalSettings::new(&temporal, NAMESPACE)?;
        let client = temporal_settings.connect().await?;
        let client_of_worker = Spacelift::new(&spacelift_url, KEY_ID, KEY_SECRET.into())?;
        let account = client_of_worker.account_name().await?;
        let (stopping, stop) = watch::channel(false);
        let secrets = WebhookSecrets::from(WebhookSecret::parse(WEBHOOK_SECRET)?);
        let router = webhook::router(webhook::Config {
            account: Some(account.clone()),
            audit: audit.clone(),
            ..webhook::Config::new(secrets, temporal_settings.clone(), settings.clone())
        });
        tokio::spawn(webhook::serve(webhook_listener, router, until(stop.clone())));
        let hook = NewWebhook::on_every_stack(format!("http://{webhook}/webhook"), WEBHOOK_SECRET).retrying();
        spacelift.webhook(&hook);

        let config = worker::Config {
            temporal: temporal_settings,
            spacelift: client_of_worker,
            settings: settings.clone(),
            audit,
            metrics: Namespace::default(),
        };
        // The workflows' futures stay on one thread, so the worker has one of its own.
        let worker = std::thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
                runtime.block_on(worker::serve(config, None, until(stop)))
            })?;
        let orchestrator = Orchestrator::new(client, settings);
        Ok(Self {
            spacelift,
            spacelift_url,
            webhook,
            temporal,
            account,
            orchestrator,
            server,
            temporal_server,
            stopping,
            worker,
        })
    }

    /// Stops the parts in the order in which they use each other.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stopping.send_replace(true);
        let worker = self.worker;
        let ended = tokio::task::spawn_blocking(move || worker.join()).await?;
        self.server.shutdown().await;
        if let Some(temporal) = self.temporal_server {
            temporal.kill().await?;
        }
        match ended {
            Ok(ended) => ended,
            Err(_) => bail!("the worker panicked"),
        }
    }
}

async fn start_temporal(temporal: Temporal) -> anyhow::Result<(Option<DevServer>, String)> {
    let (port, ui_port, database) = match temporal {
        Temporal::Running { address } => return Ok((None, address)),
        Temporal::Own {
            port,
            ui_port,
            database,
        } => (port, ui_port, database),
    };
    for (port, flag) in [(port, "--temporal-port"), (ui_port, "--ui-port")] {
        if let Some(port) = port {
            listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), "Temporal", flag).await?;
        }
    }
    let executable = temporal_server::executable(output::progress).await?;
    let options = temporal_server::Options {
        port,
        ui_port,
        database,
    };
    let server = DevServer::start(&executable, &options).await?;
    let address = server.address().to_string();
    Ok((Some(server), address))
}

async fn listen(address: SocketAddr, what: &str, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("{what} cannot listen on {address}; choose another port with {flag}"))
}

async fn until(mut stop: watch::Receiver<bool>) {
    // An error says that the sender is gone, which is a reason to stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
