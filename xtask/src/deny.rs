//! `cargo xtask deny`: checks the licences, bans and sources of all dependencies, and known vulnerabilities if their
//! database can be downloaded.

use std::process::ExitCode;

use clap::Args;
use tokio::process::Command;

use crate::cargo::installed;

/// The version that is installed if it is missing.
const VERSION: &str = "0.20.2";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Fail where the known vulnerabilities cannot be looked up.
    #[arg(long)]
    require_advisories: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let program = installed("cargo-deny", VERSION).await?;
    let checked = Command::new(&program)
        .args(["check", "bans", "licenses", "sources"])
        .status()
        .await?;
    if !checked.success() {
        return Ok(ExitCode::FAILURE);
    }
    // The database is a repository that not every network can reach.
    let fetched = Command::new(&program).args(["fetch", "db"]).output().await?;
    if !fetched.status.success() {
        eprintln!(
            "advisories: NOT CHECKED. Their database cannot be fetched from here: {}",
            String::from_utf8_lossy(&fetched.stderr).trim()
        );
        return Ok(if arguments.require_advisories {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        });
    }
    let checked = Command::new(&program)
        .args(["check", "advisories"])
        .status()
        .await?;
    Ok(if checked.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
