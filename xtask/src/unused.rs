//! `cargo xtask unused`: finds dependencies that no source uses.

use std::process::ExitCode;

use anyhow::Context;
use tokio::process::Command;

use crate::cargo::{installed, repository};

/// The version that is installed if it is missing.
const VERSION: &str = "0.9.2";

/// Only what belongs to the workspace: `fuzz` is a workspace of its own, and `target` may have sources of others.
const PLACES: [&str; 6] = ["bench", "crates", "functions", "tests", "worker", "xtask"];

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let program = installed("cargo-machete", VERSION).await?;
    let status = Command::new(program)
        .args(PLACES)
        .current_dir(repository()?)
        .status()
        .await
        .context("cargo-machete could not be started")?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
