//! The tasks of this repository: `cargo xtask --help`.

#![expect(
    clippy::print_stderr,
    reason = "a task tells people at a terminal what it does"
)]

mod cargo;
mod deny;
mod infra;
mod package;
mod test;
mod tools;

use std::process::ExitCode;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The tasks of this repository")]
enum Task {
    /// Runs every test, against a real Temporal server that it starts and stops.
    Test(test::Arguments),
    /// Checks the licences, sources and known vulnerabilities of all dependencies.
    Deny,
    /// Lints what is deployed: templates, policies, the worker's image, the compose file.
    Infra,
    /// Builds the functions as `sam build` does, for this machine, and tries what came out.
    Package,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Task::parse() {
        Task::Test(arguments) => test::run(arguments).await,
        Task::Deny => deny::run().await,
        Task::Infra => infra::run().await,
        Task::Package => package::run().await,
    }
}
