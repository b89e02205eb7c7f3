//! `cargo xtask bench`: measurements, and a comparison with other implementations. The results are in
//! `bench/README.md`.

mod peers;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Subcommand;
use temporal_server::{DevServer, Options};

use crate::browser;
use crate::cargo::{cargo, succeed};
use crate::test::build_programs;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    measurement: Measurement,
}

#[derive(Debug, Subcommand)]
enum Measurement {
    /// Everything but the model, one after the other. Takes about an hour on two cores.
    All(peers::Arguments),
    /// Temporal's actions and requests to Spacelift for a stack, a day of waiting, many roots and a sweep.
    Cost,
    /// How long the functions take until they ask for their first event, and their sizes.
    Start,
    /// The webhook compared with the same receiver in Go and in Python.
    Peers(peers::Arguments),
    /// From the end of a run to the next trigger, on an account of 500 stacks.
    Latency,
    /// A chain of 2,000 stacks on the real server.
    Chain,
    /// The dashboard's page of a chain of 2,000 stacks, in Chromium.
    Page,
    /// Planning, deliveries and large schedules.
    Core,
    /// The laws of the schedule on random accounts.
    Model {
        /// How many accounts.
        #[arg(long, default_value_t = 1_000_000)]
        cases: u32,
        /// Repeats the run that printed this seed. Without it, each run has other accounts.
        #[arg(long)]
        seed: Option<u64>,
    },
}

/// Names of whole-system tests that measure.
const COST: &[&str] = &["cost::a_", "engine::size"];
const LATENCY: &str = "latency::";
const CHAIN: &str = "two_thousand_stacks_stay";
const PAGE: &str = "how_long_the_page";

/// The functions whose start is measured.
const FUNCTIONS: [&str; 2] = ["webhook", "redeliver"];

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.measurement {
        Measurement::All(arguments) => {
            core().await?;
            start().await?;
            whole_system(COST, &[]).await?;
            for filter in [LATENCY, CHAIN, PAGE] {
                whole_system(&[filter], &["--ignored"]).await?;
            }
            peers::run(&arguments).await?;
        }
        Measurement::Cost => whole_system(COST, &[]).await?,
        Measurement::Start => start().await?,
        Measurement::Peers(arguments) => peers::run(&arguments).await?,
        Measurement::Latency => whole_system(&[LATENCY], &["--ignored"]).await?,
        Measurement::Chain => whole_system(&[CHAIN], &["--ignored"]).await?,
        Measurement::Page => whole_system(&[PAGE], &["--ignored"]).await?,
        Measurement::Core => core().await?,
        Measurement::Model { cases, seed } => {
            let seed = seed.map_or_else(seed_of_now, Ok)?;
            eprintln!("{cases} cases, seed {seed}");
            let mut model = cargo();
            model
                .args(["test", "--locked", "--release", "-p", "spillway-chain"])
                .args(["--test", "it", "schedule::model"])
                .env("SPILLWAY_MODEL_CASES", cases.to_string())
                .env("SPILLWAY_MODEL_SEED", seed.to_string());
            succeed(model).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn seed_of_now() -> anyhow::Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())
}

async fn core() -> anyhow::Result<()> {
    let mut bench = cargo();
    bench.args(["bench", "--locked", "-p", "bench"]);
    succeed(bench).await?;
    for figure in ["delivery", "planning 10000", "planning 100000", "schedule 10000"] {
        let mut figures = cargo();
        figures
            .args(["run", "--locked", "--release", "--quiet", "-p", "bench"])
            .args(["--bin", "chain-figures", "--"])
            .args(figure.split(' '));
        succeed(figures).await?;
    }
    Ok(())
}

/// The functions as `sam build` builds them, but for this machine's architecture.
async fn start() -> anyhow::Result<()> {
    let mut build = cargo();
    build.args(["build", "--locked", "--release"]);
    build.args(FUNCTIONS.iter().flat_map(|function| ["--bin", function]));
    succeed(build).await?;
    let programs = FUNCTIONS.map(|function| format!("target/release/{function}"));
    for program in &programs {
        println!("{program}: {} bytes", std::fs::metadata(program)?.len());
    }
    let mut measured = cargo();
    measured
        .args(["run", "--locked", "--release", "--quiet", "-p", "bench"])
        .args(["--bin", "cold-start", "--"])
        .args(&programs);
    succeed(measured).await
}

/// Runs measurements of the whole-system tests in a release build.
async fn whole_system(filters: &[&str], options: &[&str]) -> anyhow::Result<()> {
    let executable = temporal_server::executable(|progress| eprintln!("{progress}")).await?;
    build_programs(&["--release"]).await?;
    let server = DevServer::start(&executable, &Options::default()).await?;
    let mut test = cargo();
    test.args([
        "test",
        "--locked",
        "--release",
        "-p",
        "tests",
        "--",
        "--nocapture",
    ])
    .args(options)
    .args(filters)
    .env("SPILLWAY_TEST_TEMPORAL", server.address().to_string())
    .env("SPILLWAY_TEST_TEMPORAL_EXECUTABLE", &executable)
    .envs(browser::variables().await?);
    let tested = succeed(test).await;
    server.kill().await?;
    tested
}
