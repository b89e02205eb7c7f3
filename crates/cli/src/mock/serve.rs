//! `spillway mock serve`: the account in memory, alone.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use mock_spacelift::{MockSpacelift, Pace, Seed, environments};

use crate::command::{Done, block_on};
use crate::exit::Exit;
use crate::failure::{Failure, reason};
use crate::output;

const EXAMPLES: &str = "Examples:
  spillway mock serve
  spillway mock serve --port 8010 --pace 200ms
  spillway mock serve --seed account.toml

A seed is TOML: `account = \"acme\"`, then any number of [[space]], [[context]], [[blueprint]], \
[[stack]], [[webhook]] and [[policy]]. Errors name the entry and the field.";

/// Serve a Spacelift account in memory, with the stacks of a small company.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArguments {
    /// The port; 0 is any free port.
    #[arg(long, default_value_t = 8010)]
    port: u16,
    /// The address to listen on. The account is protected only by a key that everyone knows.
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// A seed file with the account to start with, instead of the built-in one.
    #[arg(long, value_name = "FILE")]
    seed: Option<PathBuf>,
    /// The time that a run spends in each state.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    pace: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = text
        .parse::<jiff::SignedDuration>()
        .ok()
        .and_then(|duration| duration.try_into().ok());
    duration.ok_or_else(|| "expected a duration such as 200ms or 1s".to_owned())
}

impl ServeArguments {
    pub(crate) fn run(&self) -> Done {
        let arguments = self;
        block_on(async {
            let account = account(arguments.seed.as_deref())?;
            account.pace(Pace::Every(arguments.pace));
            let address = SocketAddr::from((arguments.host, arguments.port));
            let server = account.serve(address).await.map_err(|error| {
                Failure::setting(format!("could not listen on {address}: {}", reason(&error)))
                    .hint("Choose another --port.")
            })?;
            let stop = environment::stop_signal()?;
            output::line(&introduction(&account, &server.url()))?;
            stop.await;
            server.shutdown().await;
            Ok(Exit::Success)
        })
    }
}

/// The account of a seed; without one, the built-in company.
pub(crate) fn account(seed: Option<&Path>) -> anyhow::Result<MockSpacelift> {
    let Some(path) = seed else {
        return Ok(MockSpacelift::acme());
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::unreadable(&path.display().to_string(), &error))?;
    let account = text.parse::<Seed>().and_then(MockSpacelift::seeded);
    account.map_err(|error| Failure::setting(format!("`{}`: {error}", path.display())).into())
}

fn introduction(account: &MockSpacelift, url: &str) -> String {
    let mut text = format!(
        "A Spacelift account with {} stacks is listening on {url}.\n",
        account.stacks().len()
    );
    for environment in environments(url) {
        let _ = writeln!(text, "\nFor {}:\n", environment.client);
        for (name, value) in environment.variables {
            let _ = writeln!(text, "  export {name}={value}");
        }
    }
    text + "\nSimulate pushes, locks, failures and more from another terminal: `spillway mock --help`.\nPress Ctrl-C to stop."
}
