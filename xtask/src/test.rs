//! `cargo xtask test`.

use std::process::ExitCode;

use anyhow::Context;
use temporal_server::{DevServer, Options};

use crate::browser;
use crate::cargo::{cargo, succeed};

/// The programs that the whole-system tests start and kill.
const PROGRAMS: [&str; 4] = ["spillway-worker", "webhook", "redeliver", "dashboard-function"];

/// The package of the whole-system tests.
const WHOLE_SYSTEM: &str = "tests";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What `cargo test` is given: packages, filters, and after `--` the options of the tests.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) rest: Vec<String>,
}

impl Arguments {
    /// The packages that `-p` names; none means all.
    fn packages(&self) -> Vec<&str> {
        self.rest
            .windows(2)
            .take_while(|pair| pair[0] != "--")
            .filter(|pair| ["-p", "--package"].contains(&pair[0].as_str()))
            .map(|pair| pair[1].as_str())
            .collect()
    }
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let executable = temporal_server::executable(|progress| eprintln!("{progress}")).await?;
    let packages = arguments.packages();
    let mut of_browser = Vec::new();
    if packages.is_empty() || packages.contains(&WHOLE_SYSTEM) {
        of_browser = browser::variables().await?;
        build_programs(&[]).await?;
    }
    let server = DevServer::start(&executable, &Options::default()).await?;
    eprintln!("Temporal for the tests listens on {}", server.address());
    let mut tests = cargo();
    tests.args(["test", "--locked"]);
    if packages.is_empty() {
        tests.arg("--workspace");
    }
    let status = tests
        .args(&arguments.rest)
        // The whole-system tests mostly wait, so more of them than there are cores run at once.
        .env(
            "RUST_TEST_THREADS",
            std::env::var("RUST_TEST_THREADS").unwrap_or_else(|_| "6".to_owned()),
        )
        .env("SPILLWAY_TEST_TEMPORAL", server.address().to_string())
        .env("SPILLWAY_TEST_TEMPORAL_EXECUTABLE", &executable)
        .envs(of_browser)
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

/// Builds the whole workspace, so that dependencies have the same features as in the tests.
pub(crate) async fn build_programs(options: &[&str]) -> anyhow::Result<()> {
    let mut build = cargo();
    build
        .args(["build", "--locked", "--workspace"])
        .args(options)
        .args(PROGRAMS.iter().flat_map(|program| ["--bin", program]));
    succeed(build).await
}
