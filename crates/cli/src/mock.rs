//! `spillway mock-spacelift`: the account in memory, alone.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use mock_spacelift::{MockSpacelift, Pace, Seed, environments};

use crate::command::{Done, block_on};
use crate::failure::Failure;
use crate::output;

const EXAMPLES: &str = "Examples:
  spillway mock-spacelift
  spillway mock-spacelift --port 8010 --pace 200ms
  spillway mock-spacelift --seed account.toml

A seed is TOML: `account = \"acme\"`, then any number of [[space]], [[context]], [[blueprint]], \
[[stack]], [[webhook]] and [[policy]]. What is wrong with one is said with its entry and its field.";

/// Serves a Spacelift account in memory, with a small company's stacks.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MockArguments {
    /// Where it listens; 0 is any free port.
    #[arg(long, default_value_t = 8010)]
    port: u16,
    /// The address it listens on. It has no other protection than a key that everybody knows.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// The account to start with, instead of the built-in one.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// How long a run stays in a state.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    pace: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = text
        .parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| duration.try_into().ok());
    duration.ok_or_else(|| "not a duration like 200ms or 1s".to_owned())
}

pub(crate) fn mock(arguments: &MockArguments) -> Done {
    block_on(async {
        let account = account(arguments.seed.as_deref())?;
        account.pace(Pace::Every(arguments.pace));
        let address = SocketAddr::from((arguments.host, arguments.port));
        let server = account.serve(address).await.map_err(|error| {
            Failure::Setting(format!(
                "cannot listen on {address}: {error}; choose another --port"
            ))
        })?;
        let stop = environment::told_to_stop()?;
        output::line(&introduction(&account, &server.url()));
        stop.await;
        server.shutdown().await;
        Ok(ExitCode::SUCCESS)
    })
}

/// The account of a seed; without one, the built-in company.
pub(crate) fn account(seed: Option<&Path>) -> anyhow::Result<MockSpacelift> {
    let Some(path) = seed else {
        return Ok(MockSpacelift::acme());
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("the file `{}` cannot be read: {error}", path.display())))?;
    let account = text.parse::<Seed>().and_then(MockSpacelift::seeded);
    account.map_err(|error| Failure::Setting(format!("`{}`: {error}", path.display())).into())
}

fn introduction(account: &MockSpacelift, url: &str) -> String {
    let mut text = format!(
        "A Spacelift account with {} stacks listens on {url}.\n",
        account.stacks().len()
    );
    for environment in environments(url) {
        let _ = writeln!(text, "\nFor {}:\n", environment.client);
        for (name, value) in environment.variables {
            let _ = writeln!(text, "  export {name}={value}");
        }
    }
    text + "\n`spillway mock` pushes, locks, fails and more from another terminal: see its --help.\nCtrl-C ends it."
}
