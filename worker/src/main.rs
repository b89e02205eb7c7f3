//! `spillway-worker`: reads its settings from the environment, and works until a stop signal.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;

/// Runs Spillway's workflows and activities. The settings come from the environment; docs/settings.md lists them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where `GET /health` and `GET /metrics` are answered.
    #[arg(long, env = "SPILLWAY_HEALTH_ADDRESS", default_value = "0.0.0.0:9090")]
    health_address: SocketAddr,
    /// Ask the worker that runs here whether it is well, and end with 0 if it is: for containers without a shell.
    #[arg(long)]
    check_health: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    // An error means that a provider is installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if arguments.check_health {
        worker::check_health(arguments.health_address).await?;
        return Ok(ExitCode::SUCCESS);
    }
    telemetry::log_json();
    let stop = environment::stop_signal()?;
    let variables = environment::with_secrets().await?;
    let config = worker::Config::from_variables(&variables).await?;
    worker::serve(config, Some(arguments.health_address), stop).await?;
    Ok(ExitCode::SUCCESS)
}
