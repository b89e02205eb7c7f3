//! `redeliver`: a Lambda function that SQS calls with messages that waited while Temporal could not be reached. The
//! settings come from the environment; docs/settings.md lists them.

use std::time::SystemTime;

use lambda_runtime::{LambdaEvent, service_fn};
use tokio::time::Instant;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::log_json();
    // An error means that a provider is installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let redeliverer = redeliver::Redeliverer::from_variables(&environment::process_variables()).await?;
    let redeliverer = &redeliverer;
    redeliverer.warm_up().await;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        let left = event.context.deadline().duration_since(SystemTime::now());
        let deadline = Instant::now() + left.unwrap_or_default();
        Ok::<_, std::convert::Infallible>(redeliverer.redeliver(event.payload, deadline).await)
    }))
    .await
    .map_err(|error| anyhow::anyhow!(error))
}
