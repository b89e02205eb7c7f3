//! `webhook`: a Lambda function, or with `--listen` a plain HTTP server.

use std::net::SocketAddr;

use clap::Parser;

/// Receive Spacelift's webhooks. Without `--listen`, run in AWS Lambda.
/// Settings come from environment variables; docs/settings.md lists them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Serve HTTP here instead of running in AWS Lambda, for example 0.0.0.0:8000.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Also serve /docs, with a form to try the webhook, and /openapi.json.
    #[arg(long, requires = "listen")]
    docs: bool,
    /// Trust the last address in X-Forwarded-For. Only for a server behind a reverse proxy that all clients go through.
    #[arg(long, requires = "listen")]
    behind_proxy: bool,
}

// A function handles one delivery at a time, and a server needs a quarter less CPU than with threads that pass work around.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    telemetry::log_json();
    // An error means that a provider is installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = webhook::Config {
        has_docs: arguments.docs,
        is_behind_proxy: arguments.behind_proxy,
        ..webhook::Config::from_variables(&environment::process_variables()).await?
    };
    match arguments.listen {
        Some(address) => {
            let stop = environment::stop_signal()?;
            let listener = tokio::net::TcpListener::bind(address).await?;
            webhook::serve(listener, config, stop).await;
            Ok(())
        }
        None => webhook::run_in_lambda(config).await,
    }
}
