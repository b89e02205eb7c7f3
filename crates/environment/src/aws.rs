//! The AWS configuration. The environment sets region, credentials and endpoints.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_secretsmanager::config::SharedHttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use tokio::sync::OnceCell;

struct Limits {
    attempts: u32,
    connect: Duration,
    attempt: Duration,
}

/// For a caller that waits for the answer. Two attempts: after a function's sandbox was frozen, its open connection is dead.
const QUICK: Limits = Limits {
    attempts: 2,
    connect: Duration::from_secs(1),
    attempt: Duration::from_secs(2),
};

/// For work on a schedule, and for a person who reads the audit log. A manifest may have a hundred megabytes.
const PATIENT: Limits = Limits {
    attempts: 3,
    connect: Duration::from_secs(5),
    attempt: Duration::from_secs(60),
};

/// The environment's configuration, read once: all clients of a process share credentials and connections. Only a
/// region that is not set is looked up over the network.
pub async fn config() -> &'static SdkConfig {
    static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();
    CONFIG
        .get_or_init(async || {
            let defaults = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
            quick(defaults.load().await)
        })
        .await
}

/// The environment's configuration for work that may take long.
pub async fn patient_config() -> SdkConfig {
    patient(config().await.clone())
}

/// The same configuration for work that may take long.
pub fn patient(config: SdkConfig) -> SdkConfig {
    limited(config, &PATIENT)
}

/// The same configuration with our TLS provider, for a caller that waits for the answer.
pub fn quick(config: SdkConfig) -> SdkConfig {
    let config = config.into_builder().http_client(http_client()).build();
    limited(config, &QUICK)
}

fn limited(config: SdkConfig, limits: &Limits) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(limits.connect)
        .operation_attempt_timeout(limits.attempt)
        .build();
    config
        .into_builder()
        .retry_config(RetryConfig::standard().with_max_attempts(limits.attempts))
        .timeout_config(timeouts)
        .build()
}

/// The SDK's default client would add a second TLS provider.
fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}
