//! The tasks of this repository: `cargo xtask --help`.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a task reports its progress on the terminal"
)]

mod bench;
mod browser;
mod cargo;
mod compose_check;
mod crates;
mod deny;
mod dist;
mod fuzz;
mod image;
mod infra;
mod mutants;
mod opentofu;
mod package;
mod release;
mod sbom;
mod test;
mod tools;
mod unused;

use std::process::ExitCode;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "The tasks of this repository")]
enum Task {
    /// Runs every test, against a real Temporal server that it starts and stops.
    Test(test::Arguments),
    /// Checks the licences, sources and known vulnerabilities of all dependencies.
    Deny(deny::Arguments),
    /// Finds dependencies that no source uses.
    Unused,
    /// Gives random inputs to what reads bodies, labels and signatures.
    Fuzz(fuzz::Arguments),
    /// Changes the pure crates in small ways, and lists the changes that no test notices.
    Mutants(mutants::Arguments),
    /// Packs the crates that others can use, as `cargo publish` does, and publishes nothing.
    Crates,
    /// Builds the images of worker and webhook without Docker, and runs them.
    Image(image::Arguments),
    /// Lints what is deployed: templates, policies, the worker's image, the compose file.
    Infra,
    /// Runs the installation on one machine as the compose file describes it, without Docker. On Debian, as root.
    ComposeCheck,
    /// Builds the functions as `sam build` does, for this machine, packs them into dist/, and tests what is there.
    Package,
    /// Measures the webhook and its peers, latency, long chains, the core, and the model.
    Bench(bench::Arguments),
    /// Makes dist/: everything for a deployment without a build.
    Release(release::Arguments),
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    match Task::parse() {
        Task::Test(arguments) => test::run(arguments).await,
        Task::Deny(arguments) => deny::run(&arguments).await,
        Task::Unused => unused::run().await,
        Task::Fuzz(arguments) => fuzz::run(&arguments).await,
        Task::Mutants(arguments) => mutants::run(&arguments).await,
        Task::Crates => crates::run().await,
        Task::Image(arguments) => image::run(&arguments).await,
        Task::Infra => infra::run().await,
        Task::ComposeCheck => compose_check::run().await,
        Task::Package => package::run().await,
        Task::Bench(arguments) => bench::run(arguments).await,
        Task::Release(arguments) => release::run(&arguments).await,
    }
}
