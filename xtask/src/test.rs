//! `cargo xtask test`.

use std::process::ExitCode;

use anyhow::Context;
use temporal_server::{DevServer, Options};
use tokio::process::Command;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What `cargo test` is given: packages, filters, and after `--` the options of the tests.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<String>,
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let executable = temporal_server::executable(|progress| eprintln!("{progress}")).await?;
    // The whole-system tests start these programs, and kill them.
    cargo(&["build", "--locked", "--workspace", "--bins"]).await?;
    let server = DevServer::start(&executable, &Options::default()).await?;
    eprintln!("Temporal for the tests listens on {}", server.address());
    let rest: Vec<&str> = arguments.rest.iter().map(String::as_str).collect();
    let scope: &[&str] = if rest.iter().any(|argument| ["-p", "--package"].contains(argument)) {
        &["test", "--locked"]
    } else {
        &["test", "--locked", "--workspace"]
    };
    let status = Command::new(env!("CARGO"))
        .args(scope)
        .args(rest)
        // The whole-system tests wait for most of their time, so more of them than there are cores run at once.
        .env(
            "RUST_TEST_THREADS",
            std::env::var("RUST_TEST_THREADS").unwrap_or_else(|_| "6".to_owned()),
        )
        .env("SPILLWAY_TEST_TEMPORAL", server.address().to_string())
        .env("SPILLWAY_TEST_TEMPORAL_EXECUTABLE", &executable)
        .status()
        .await
        .context("cargo could not be started")?;
    server.kill().await?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn cargo(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new(env!("CARGO")).args(arguments).status().await?;
    anyhow::ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}
