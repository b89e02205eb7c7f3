//! `cargo xtask test`.

mod summary;

use std::process::ExitCode;

use anyhow::Context;
use temporal_server::{DevServer, Options};
use tokio::process::Command;

use crate::browser;
use crate::cargo::{cargo, succeed};

/// The programs that the whole-system tests start.
const PROGRAMS: [&str; 6] = [
    "spillway",
    "spillway-worker",
    "webhook",
    "redeliver",
    "dashboard-function",
    "upkeep",
];

/// The package of the whole-system tests.
const WHOLE_SYSTEM: &str = "tests";

/// The whole-system tests that measure. They run alone, because a loaded machine changes what they count.
const MEASURING: &str = "cost::";

/// More failures than this have another cause than one slow moment.
const RETRIED_MAX: usize = 5;

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
    let tests = |arguments: &[&str]| {
        let mut tests = cargo();
        tests
            .args(["test", "--locked"])
            .args(arguments)
            // The whole-system tests mostly wait, so more of them than there are cores run at once.
            .env(
                "RUST_TEST_THREADS",
                std::env::var("RUST_TEST_THREADS").unwrap_or_else(|_| "6".to_owned()),
            )
            .env("SPILLWAY_TEST_TEMPORAL", server.address().to_string())
            .env("SPILLWAY_TEST_TEMPORAL_EXECUTABLE", &executable)
            .envs(of_browser.iter().cloned());
        tests
    };
    let passed = if arguments.rest.is_empty() {
        everything(tests).await?
    } else {
        let workspace: &[&str] = if packages.is_empty() {
            &["--workspace"]
        } else {
            &[]
        };
        let status = tests(workspace).args(&arguments.rest).status().await;
        status.context("cargo could not be started")?.success()
    };
    server.kill().await?;
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs every test, and says at the end how many there were.
///
/// A whole-system test that fails runs once more, alone: a few hundred of them share this machine with servers, browsers and
/// each other, and one slow moment should not cost a run of half an hour. The summary names such a test, since it has a
/// defect too.
async fn everything(tests: impl Fn(&[&str]) -> Command) -> anyhow::Result<bool> {
    let excluded = ["--workspace", "--exclude", WHOLE_SYSTEM, "--no-fail-fast"];
    let mut parts = summary::run(tests(&excluded)).await?;
    let whole_system = ["-p", WHOLE_SYSTEM, "--no-fail-fast", "--"];
    let mut system = summary::run(tests(&[&whole_system[..], &["--skip", MEASURING]].concat())).await?;
    let mut measuring = tests(&[&whole_system[..], &[MEASURING]].concat());
    measuring.env("RUST_TEST_THREADS", "1");
    system.add(summary::run(measuring).await?);
    let mut unstable = Vec::new();
    if (1..=RETRIED_MAX).contains(&system.failures.len()) {
        eprintln!("Running again, one by one: {}", system.failures.join(", "));
        let mut again = tests(&[&whole_system[..], &["--exact"]].concat());
        again.args(&system.failures).env("RUST_TEST_THREADS", "1");
        let again = summary::run(again).await?;
        unstable = system.replace_failures(&again);
    }
    parts.add(system);
    println!(
        "tests: {} passed, {} failed, {} ignored",
        parts.passed,
        parts.failures.len(),
        parts.ignored
    );
    for name in &parts.failures {
        println!("failed: {name}");
    }
    for name in unstable {
        println!("unstable: {name} failed together with the others and passed alone; fix it");
    }
    Ok(parts.succeeded)
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
