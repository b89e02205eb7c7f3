//! Temporal, a Spacelift account in memory, the webhook and a worker, in this process but for Temporal.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::bail;
use audit::Store;
use chain::AccountName;
use chain::signature::{WebhookSecret, WebhookSecrets};
use mock_spacelift::{KEY_ID, KEY_SECRET, MockSpacelift, Pace, Server};
use notify::Notifier;
use spacelift::Spacelift;
use telemetry::Namespace;
use temporal_client::{ConnectError, TemporalSettings, WorkflowClient};
use temporal_server::DevServer;
use temporalio_client::Client;
use tokio::net::TcpListener;
use tokio::sync::watch;
use uuid::Uuid;
use worker::TraceSettings;

use crate::failure::{Failure, reason};
use crate::output;
use crate::variables::settings;

/// The secret that signs deliveries as long as nothing beyond this machine can send any.
const WEBHOOK_SECRET: &str = "spillway-dev-webhook-secret";
pub(crate) const NAMESPACE: &str = "default";

/// A server of our own that does not answer after this time is considered broken.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
const ANSWER_POLL: Duration = Duration::from_millis(100);

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
    pub(crate) webhook_secret: String,
    pub(crate) temporal: String,
    pub(crate) account: AccountName,
    pub(crate) workflows: WorkflowClient,
    server: Server,
    temporal_server: Option<DevServer>,
    stopping: watch::Sender<bool>,
    receiver: tokio::task::JoinHandle<()>,
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
        let server = spacelift.serve(ports.spacelift).await.map_err(|error| {
            cannot_listen(
                "the Spacelift account",
                ports.spacelift,
                "--spacelift-port",
                &error,
            )
        })?;
        let spacelift_url = server.url();
        let (temporal_server, temporal) = start_temporal(ports.temporal).await?;

        let settings = settings()?;
        let audit = Store::from_lookup(|name| std::env::var(name).ok()).await?;
        let temporal_settings = TemporalSettings::new(&temporal, NAMESPACE)?;
        let client = connect(&temporal_settings, temporal_server.is_some()).await?;
        let client_of_worker = Spacelift::new(&spacelift_url, KEY_ID, KEY_SECRET.into())?;
        let account = client_of_worker.account_name().await?;
        let web_url = client_of_worker.web_url().to_owned();
        let traces = TraceSettings::from_lookup(|name| std::env::var(name).ok(), Some(web_url.clone()))?;
        let notifier = Notifier::from_lookup(|name| std::env::var(name).ok(), Some(web_url)).await?;
        let (stopping, stop) = watch::channel(false);
        let webhook_secret = if webhook.ip().is_loopback() {
            WEBHOOK_SECRET.to_owned()
        } else {
            Uuid::new_v4().simple().to_string()
        };
        let secrets = WebhookSecrets::from(WebhookSecret::parse(&webhook_secret)?);
        let config = webhook::Config {
            has_docs: true,
            account: Some(account.clone()),
            audit: audit.clone(),
            ..webhook::Config::new(secrets, temporal_settings.clone(), settings.clone())
        };
        let receiver = tokio::spawn(webhook::serve(webhook_listener, config, until(stop.clone())));
        crate::webhook::install(&client_of_worker, reached_at(webhook), &webhook_secret).await?;

        let config = worker::Config {
            temporal: temporal_settings,
            spacelift: client_of_worker,
            settings: settings.clone(),
            audit,
            notifier,
            metrics: Namespace::default(),
            traces,
        };
        // The workflows' futures stay on one thread, so the worker has one of its own.
        let worker = std::thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
                runtime.block_on(worker::serve(config, None, until(stop)))
            })?;
        let workflows = WorkflowClient::new(client, settings);
        Ok(Self {
            spacelift,
            spacelift_url,
            webhook,
            webhook_secret,
            temporal,
            account,
            workflows,
            server,
            temporal_server,
            stopping,
            receiver,
            worker,
        })
    }

    /// Stops the parts in the order in which they use each other.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stopping.send_replace(true);
        self.receiver.await?;
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
    let executable = temporal_server::executable(output::note).await?;
    let options = temporal_server::Options {
        port,
        ui_port,
        database,
    };
    let server = DevServer::start(&executable, &options).await?;
    let address = server.address().to_string();
    Ok((Some(server), address))
}

/// A server that was started just now listens before it answers: on a busy machine, seconds before.
async fn connect(settings: &TemporalSettings, is_new: bool) -> Result<Client, ConnectError> {
    let deadline = Instant::now() + ANSWER_TIMEOUT;
    loop {
        match settings.connect().await {
            Err(ConnectError::Unreachable { .. }) if is_new && Instant::now() < deadline => {
                tokio::time::sleep(ANSWER_POLL).await;
            }
            connected => return connected,
        }
    }
}

async fn listen(address: SocketAddr, what: &str, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| cannot_listen(what, address, flag, &error).into())
}

fn cannot_listen(what: &str, address: SocketAddr, flag: &str, error: &std::io::Error) -> Failure {
    Failure::setting(format!("{what} could not listen on {address}: {}", reason(error)))
        .hint(format!("Choose another port with {flag}."))
}

/// Where the account in memory sends its deliveries: to this machine, whatever addresses the webhook listens on.
fn reached_at(webhook: SocketAddr) -> String {
    if webhook.ip().is_unspecified() {
        format!("http://127.0.0.1:{}/webhook", webhook.port())
    } else {
        format!("http://{webhook}/webhook")
    }
}

async fn until(mut stop: watch::Receiver<bool>) {
    // An error says that the sender is gone, which is a reason to stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}
