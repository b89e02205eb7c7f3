//! `cargo xtask mutants`: changes the pure crates in small ways, and lists the changes that no test notices.

use std::process::ExitCode;

use tokio::process::Command;

use crate::cargo::{forget_this_package, installed, repository, succeed};

/// The version that is installed if it is missing.
const VERSION: &str = "27.1.0";

/// The crates whose tests need no server.
const PACKAGES: [&str; 2] = ["spillway-chain", "settings"];

/// The model test is slow. This many cases find what the other tests do not.
const MODEL_CASES: &str = "200";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A part of all changes, spread over all files, such as `0/40`: all of them take many hours.
    #[arg(long, value_name = "PART/PARTS")]
    shard: Option<String>,
    /// Only the changes to these files.
    #[arg(long, value_name = "GLOB")]
    file: Vec<String>,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let program = installed("cargo-mutants", VERSION).await?;
    let mut mutants = Command::new(program);
    forget_this_package(&mut mutants);
    mutants
        .args([
            "mutants",
            "--no-shuffle",
            "--cargo-arg=--locked",
            "--output",
            "target/mutants",
        ])
        .args(PACKAGES.iter().flat_map(|package| ["--package", package]))
        // Each part is a sample of all files.
        .args(
            arguments
                .shard
                .iter()
                .flat_map(|shard| ["--sharding=round-robin", "--shard", shard]),
        )
        .args(arguments.file.iter().flat_map(|file| ["--file", file]))
        .current_dir(repository()?)
        .env("SPILLWAY_MODEL_CASES", MODEL_CASES);
    succeed(mutants).await?;
    Ok(ExitCode::SUCCESS)
}
