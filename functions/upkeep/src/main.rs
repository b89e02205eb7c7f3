//! `upkeep`: a Lambda function that a schedule starts each hour. The settings come from the environment; docs/settings.md
//! lists them.

use std::time::{SystemTime, UNIX_EPOCH};

use lambda_runtime::{LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    telemetry::log_json();
    // An error means that a provider is installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let upkeep = upkeep::Upkeep::from_variables(environment::process_variables()).await?;
    let upkeep = &upkeep;
    lambda_runtime::run(service_fn(
        async |_: LambdaEvent<serde_json::Value>| -> Result<upkeep::Outcome, lambda_runtime::Error> {
            let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH)?;
            Ok(upkeep.run(i64::try_from(since_1970.as_millis())?).await?)
        },
    ))
    .await
    .map_err(|error| anyhow::anyhow!(error))
}
