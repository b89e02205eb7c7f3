//! `spillway dev`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use mock_spacelift::{KEY_ID, KEY_SECRET};

use super::system::{Ports, System, Temporal, WEBHOOK_SECRET};
use super::{Done, block_on};
use crate::mock::account;
use crate::output;

/// How long a run stays in a state: long enough to watch.
const PACE: Duration = Duration::from_millis(700);

/// A stack that the built-in company has.
const BUILT_IN_ROOT: &str = "core-network";

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
    /// The Spacelift account to start with, instead of the built-in one.
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
            webhook: SocketAddr::from((Ipv4Addr::UNSPECIFIED, arguments.webhook_port)),
            spacelift: local(arguments.spacelift_port),
        };
        let spacelift = account(arguments.seed.as_deref())?;
        let system = System::start(ports, spacelift, PACE).await?;
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

{examples}
  spillway chains{at}

Commands that speak to Spacelift want these:

  export SPACELIFT_BASE_URL={spacelift} SPACELIFT_KEY_ID={KEY_ID} SPACELIFT_KEY_SECRET={KEY_SECRET}

Ctrl-C ends everything.",
        examples = examples(system, &at),
        temporal = system.temporal,
        spacelift = system.spacelift_url,
        account = system.account,
    ));
}

/// What to try: by name where the account is the built-in company.
fn examples(system: &System, at: &str) -> String {
    let account = &system.account;
    let url = match system.spacelift_url.as_str() {
        "http://127.0.0.1:8010" => String::new(),
        url => format!(" --url {url}"),
    };
    if system.spacelift.stack(BUILT_IN_ROOT).is_none() {
        return format!(
            "  spillway mock push <repository>{url}   (one commit, and the runs of all stacks of the repository)
  spillway run <stack> --account {account} --wait{at}"
        );
    }
    format!(
        "  spillway mock push acme/landing-zone{url}   (one push starts three stacks, whose chains meet)
  spillway mock confirm backoffice{url}   (it waits for a confirmation each time)
  spillway run {BUILT_IN_ROOT} --account {account} --wait{at}"
    )
}
