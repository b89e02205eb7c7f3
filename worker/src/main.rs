//! `spillway-worker`: reads its settings from the environment, and works until it is told to stop.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Runs Spillway's workflows and activities. The settings come from the environment; README.md lists them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where `GET /health` and `GET /metrics` are answered.
    #[arg(long, env = "SPILLWAY_HEALTH_ADDRESS", default_value = "0.0.0.0:9090")]
    health_address: SocketAddr,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .init();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let config = worker::Config::from_environment()?;
    worker::serve(config, Some(arguments.health_address), stop).await?;
    Ok(ExitCode::SUCCESS)
}
