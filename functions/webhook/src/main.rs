//! `webhook`: a Lambda function, or with `--listen` a plain HTTP server.

use std::net::SocketAddr;

use clap::Parser;

/// Receives Spacelift's webhooks. Without `--listen` it runs in AWS Lambda.
/// The settings come from the environment; README.md lists them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Serve HTTP here instead of running in AWS Lambda, for example 0.0.0.0:8000.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    telemetry::log_json();
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = webhook::Config::from_variables(&environment::of_process()).await?;
    match arguments.listen {
        Some(address) => {
            let stop = environment::told_to_stop()?;
            let listener = tokio::net::TcpListener::bind(address).await?;
            webhook::serve(listener, webhook::router(config), stop).await
        }
        None => webhook::run_in_lambda(config).await,
    }
}
