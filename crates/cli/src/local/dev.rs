//! `spillway dev`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use mock_spacelift::{KEY_ID, KEY_SECRET};

use super::system::{Ports, System, Temporal, WEBHOOK_SECRET};
use super::{Done, block_on};
use crate::output;

/// How long a run stays in a state: long enough to watch.
const PACE: Duration = Duration::from_millis(700);

#[derive(Debug, Args)]
pub(crate) struct DevArguments {
    /// Use a Temporal server that runs already.
    #[arg(long, value_name = "HOST:PORT")]
    temporal_address: Option<String>,
    /// Where Temporal listens.
    #[arg(long, value_name = "PORT", default_value_t = 7233)]
    temporal_port: u16,
    /// Where Temporal's pages are.
    #[arg(long, value_name = "PORT", default_value_t = 8088)]
    ui_port: u16,
    /// Where the webhook listens.
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    webhook_port: u16,
    /// Where the Spacelift account listens.
    #[arg(long, value_name = "PORT", default_value_t = 8010)]
    spacelift_port: u16,
    /// Keep Temporal's data in this file; without it they are gone when this ends.
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
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
            webhook: SocketAddr::from((Ipv4Addr::UNSPECIFIED, arguments.webhook_port)),
            spacelift: local(arguments.spacelift_port),
        };
        let system = System::start(ports, PACE).await?;
        let stop = environment::told_to_stop()?;
        introduce(&system, ui);
        stop.await;
        output::progress("\nStopping");
        system.stop().await?;
        Ok(ExitCode::SUCCESS)
    })
}

fn introduce(system: &System, ui_port: Option<u16>) {
    let webhook_port = system.webhook.port();
    let ui = ui_port.map_or_else(String::new, |port| {
        format!("\n  Temporal's pages  http://127.0.0.1:{port}")
    });
    // The default address needs no word.
    let at = match system.temporal.as_str() {
        "127.0.0.1:7233" => String::new(),
        address => format!("   (with TEMPORAL_ADDRESS={address})"),
    };
    output::line(&format!(
        "Everything runs.

  Webhook           http://127.0.0.1:{webhook_port}/webhook   (secret: {WEBHOOK_SECRET})
  Temporal          {temporal}{ui}
  Spacelift         {spacelift}   (account {account}, in memory)

Try, in another terminal:

  spillway run core-network --account {account} --wait{at}
  spillway chains{at}

`backoffice` waits for a confirmation: `spillway chain show <chain>` says of which run, and with these

  export SPACELIFT_BASE_URL={spacelift} SPACELIFT_KEY_ID={KEY_ID} SPACELIFT_KEY_SECRET={KEY_SECRET}

`spillway runs confirm backoffice <run>` gives it. Ctrl-C ends everything.",
        temporal = system.temporal,
        spacelift = system.spacelift_url,
        account = system.account,
    ));
}
