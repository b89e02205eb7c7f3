//! The AWS configuration. The environment sets region, credentials and endpoints.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_secretsmanager::config::SharedHttpClient;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use tokio::sync::OnceCell;

/// Two attempts: after a function's sandbox was frozen, its open connection is dead.
const ATTEMPTS: u32 = 2;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// For work on a schedule, and for a person who reads the audit log, a manifest of which may have a hundred megabytes.
const PATIENT_ATTEMPTS: u32 = 3;
const PATIENT_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const PATIENT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// The environment's configuration, read once: all clients of a process share credentials and connections. Only a
/// region that is not set is looked up over the network.
pub async fn config() -> &'static SdkConfig {
    static CONFIG: OnceCell<SdkConfig> = OnceCell::const_new();
    CONFIG
        .get_or_init(async || {
            let defaults = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client());
            patient_for_a_moment(defaults.load().await)
        })
        .await
}

/// The environment's configuration for work on a schedule, and for a person who reads much.
pub async fn patient_config() -> SdkConfig {
    patient(config().await.clone())
}

/// The same configuration with limits for work that may take long.
pub fn patient(config: SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(PATIENT_CONNECT_TIMEOUT)
        .operation_attempt_timeout(PATIENT_ATTEMPT_TIMEOUT)
        .build();
    config
        .into_builder()
        .retry_config(RetryConfig::standard().with_max_attempts(PATIENT_ATTEMPTS))
        .timeout_config(timeouts)
        .build()
}

/// The same configuration with our TLS provider, and with limits for a caller that waits for the answer.
pub fn patient_for_a_moment(config: SdkConfig) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    config
        .into_builder()
        .http_client(http_client())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts)
        .build()
}

/// The SDK's default client would add a second TLS provider.
fn http_client() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}
