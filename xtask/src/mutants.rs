//! `cargo xtask mutants`: changes the pure crates in small ways, and lists the changes that no test notices.

use std::process::ExitCode;

use tokio::process::Command;

use crate::cargo::{forget_this_package, installed, repository, succeed};

/// The version that is installed if it is missing.
const VERSION: &str = "27.1.0";

/// The crates whose tests need no server.
const PACKAGES: [&str; 2] = ["spillway-chain", "settings"];

/// Thousands of changes have to be tried, so each gets a few cases of the tests with random inputs, and a failed case is
/// not made smaller.
const FEW_CASES: [(&str, &str); 3] = [
    ("SPILLWAY_MODEL_CASES", "200"),
    ("PROPTEST_CASES", "64"),
    ("PROPTEST_MAX_SHRINK_ITERS", "0"),
];

/// Tests of large accounts, which are slow. They are about time and memory.
const SLOW_TESTS: [&str; 2] = ["schedule::size", "a_long_chain_does_not_overflow"];

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A part of all changes, spread over all files, such as `0/40`: all of them take many hours.
    #[arg(long, value_name = "PART/PARTS")]
    shard: Option<String>,
    /// Only the changes to these files.
    #[arg(long, value_name = "GLOB")]
    file: Vec<String>,
    /// How many changes to try at the same time.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let program = installed("cargo-mutants", VERSION).await?;
    let mut mutants = Command::new(program);
    forget_this_package(&mut mutants);
    mutants
        .args([
            "mutants",
            "--no-shuffle",
            "--profile=mutants",
            "--cargo-arg=--locked",
            "--output",
            "target/mutants",
        ])
        .arg(format!("--jobs={}", arguments.jobs))
        .args(PACKAGES.iter().flat_map(|package| ["--package", package]))
        // Each part is a sample of all files.
        .args(
            arguments
                .shard
                .iter()
                .flat_map(|shard| ["--sharding=round-robin", "--shard", shard]),
        )
        .args(arguments.file.iter().flat_map(|file| ["--file", file]))
        .args(["--", "--all-targets", "--"])
        .args(SLOW_TESTS.iter().flat_map(|test| ["--skip", test]))
        .current_dir(repository()?)
        .envs(FEW_CASES);
    succeed(mutants).await?;
    Ok(ExitCode::SUCCESS)
}
