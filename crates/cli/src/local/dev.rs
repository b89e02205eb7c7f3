//! `spillway dev`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use mock_spacelift::{KEY_ID, KEY_SECRET};
use spacelift::Spacelift;

use super::system::{NAMESPACE, Ports, System, Temporal};
use super::{Done, block_on};
use crate::actor::Actor;
use crate::exit::Exit;
use crate::mock::account;
use crate::{dashboard, output};

/// How long a run stays in a state: long enough to watch.
const PACE: Duration = Duration::from_millis(700);

/// A stack that the built-in company has.
const BUILT_IN_ROOT: &str = "core-network";

/// Run everything on this machine: Temporal, a Spacelift account in memory, the webhook and a worker.
#[derive(Debug, Args)]
pub(crate) struct DevArguments {
    /// Use this Temporal server instead of starting one.
    #[arg(long, value_name = "HOST:PORT")]
    temporal_address: Option<String>,
    /// The port of Temporal.
    #[arg(long, value_name = "PORT", default_value_t = 7233)]
    temporal_port: u16,
    /// The port of the Temporal UI.
    #[arg(long, value_name = "PORT", default_value_t = 8088)]
    ui_port: u16,
    /// The port of the dashboard.
    #[arg(long, value_name = "PORT", default_value_t = 8090)]
    dashboard_port: u16,
    /// The port of the webhook.
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    webhook_port: u16,
    /// The address that the webhook listens on. If other machines can reach it, it gets a random secret.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    webhook_host: IpAddr,
    /// The port of the Spacelift account.
    #[arg(long, value_name = "PORT", default_value_t = 8010)]
    spacelift_port: u16,
    /// Keep Temporal's data in this file; otherwise lost on exit.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// A seed file with the Spacelift account to start with, instead of the built-in one.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
}

pub(crate) fn dev(arguments: DevArguments) -> Done {
    block_on(async {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let ui = arguments.temporal_address.is_none().then_some(arguments.ui_port);
        let temporal = match arguments.temporal_address {
            Some(address) => Temporal::Running { address },
            None => Temporal::Own {
                port: Some(arguments.temporal_port),
                ui_port: Some(arguments.ui_port),
                database: arguments.db,
            },
        };
        let ports = Ports {
            temporal,
            webhook: SocketAddr::from((arguments.webhook_host, arguments.webhook_port)),
            spacelift: local(arguments.spacelift_port),
        };
        let spacelift = account(arguments.seed.as_deref())?;
        let system = System::start(ports, spacelift, PACE).await?;
        let stop = environment::stop_signal()?;
        let config = dashboard_config(&system, ui)?;
        let person = Actor::of(&config.spacelift).await?.to_string();
        let (dashboard, served) = dashboard::start(
            config,
            person,
            local(arguments.dashboard_port),
            "--dashboard-port",
            std::future::pending(),
        )
        .await?;
        tokio::spawn(served);
        introduce(&system, dashboard, ui)?;
        stop.await;
        output::note("\nStopping");
        system.stop().await?;
        Ok(Exit::Success)
    })
}

fn dashboard_config(system: &System, ui_port: Option<u16>) -> anyhow::Result<::dashboard::Config> {
    let spacelift = Spacelift::new(&system.spacelift_url, KEY_ID, KEY_SECRET.into())?;
    Ok(::dashboard::Config {
        workflows: system.workflows.clone(),
        account: system.account.clone(),
        audit: None,
        pages: ::dashboard::Pages {
            // The account in memory has no pages.
            spacelift: None,
            temporal: ui_port.map(|port| format!("http://127.0.0.1:{port}/namespaces/{NAMESPACE}")),
        },
        queues: ::dashboard::Queues::default(),
        spacelift,
    })
}

fn introduce(system: &System, dashboard: SocketAddr, ui_port: Option<u16>) -> Result<(), output::WriteError> {
    let ui = ui_port.map_or_else(String::new, |port| {
        format!("\n  Temporal UI  http://127.0.0.1:{port}")
    });
    let ui_url = ui_port.map_or_else(String::new, |port| {
        format!(" TEMPORAL_UI_URL=http://127.0.0.1:{port}")
    });
    output::line(&format!(
        "Ready.

  Dashboard    http://{dashboard}
  Webhook      http://{webhook}/webhook
  Temporal     {temporal}{ui}
  Spacelift    {spacelift}   (account {account}, in memory)

In another terminal:

  export SPACELIFT_BASE_URL={spacelift} SPACELIFT_KEY_ID={KEY_ID} SPACELIFT_KEY_SECRET={KEY_SECRET}
  export TEMPORAL_ADDRESS={temporal} WEBHOOK_URL=http://{webhook}/webhook WEBHOOK_SECRET={secret}{ui_url}

{examples}

Press Ctrl-C to stop.",
        webhook = system.webhook,
        temporal = system.temporal,
        spacelift = system.spacelift_url,
        account = system.account,
        secret = system.webhook_secret,
        examples = examples(system),
    ))
}

/// What to try: by name where the account is the built-in company.
fn examples(system: &System) -> String {
    let examples: &[(&str, &str)] = if system.spacelift.stack(BUILT_IN_ROOT).is_some() {
        &[
            (
                "spillway mock push acme/landing-zone",
                "start three stacks, whose chains meet",
            ),
            ("spillway chain list", "see the chains"),
            (
                "spillway mock confirm backoffice",
                "confirm a run: this stack waits for it each time",
            ),
            ("spillway mock log", "see what ran, by whom and when"),
            (
                "spillway chain start core-network --wait",
                "start a chain and watch it",
            ),
        ]
    } else {
        &[
            ("spillway mock push <repository>", "push one commit"),
            ("spillway stack list", "see the stacks"),
            ("spillway mock log", "see what ran, by whom and when"),
            (
                "spillway chain start <stack> --wait",
                "start a chain and watch it",
            ),
        ]
    };
    let lines = examples
        .iter()
        .map(|(command, why)| format!("  {command:<42} # {why}"));
    lines.collect::<Vec<_>>().join("\n")
}
