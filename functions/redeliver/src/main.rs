//! `redeliver`: a Lambda function that SQS calls with what waited while Temporal was away.
//! The settings come from the environment; README.md lists them.

use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::log_json();
    // An error says that a provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let redeliverer = redeliver::Redeliverer::from_variables(&environment::of_process()).await?;
    let redeliverer = &redeliverer;
    redeliverer.warm_up().await;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<_>| {
        Ok::<_, std::convert::Infallible>(redeliverer.redeliver(event.payload).await)
    }))
    .await
    .map_err(|error| anyhow::anyhow!(error))
}
