//! `dashboard-function`: a Lambda function, or with `--listen` a plain HTTP server.

use std::net::SocketAddr;

use clap::Parser;

/// Serve the dashboard to people who sign in. Without `--listen`, run in AWS Lambda.
/// Settings come from environment variables; docs/settings.md lists them.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Serve HTTP here instead of running in AWS Lambda. A reverse proxy with TLS has to be in front of it.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    telemetry::log_json();
    // An error means that a provider is installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = dashboard_function::Config::from_variables(environment::process_variables()).await?;
    match arguments.listen {
        Some(address) => {
            let stop = environment::stop_signal()?;
            let listener = tokio::net::TcpListener::bind(address).await?;
            tracing::info!(listen.address = %listener.local_addr()?, "Listening on http://{}", listener.local_addr()?);
            dashboard::serve(listener, dashboard_function::router(config).await?, stop).await;
            Ok(())
        }
        None => lambda_http::run(dashboard_function::router(config).await?)
            .await
            .map_err(|error| anyhow::anyhow!(error)),
    }
}
