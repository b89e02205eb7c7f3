//! Reading both versions of the secret from AWS Secrets Manager.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use chain::signature::{SecretError, WebhookSecret, WebhookSecrets};
use tokio::sync::OnceCell;
use tracing::warn;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
/// Two, since the connection of before a freeze of the sandbox is dead.
const ATTEMPTS: u32 = 2;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a version of the secret could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("Secrets Manager did not give it")]
    Call(#[source] Box<SdkError<GetSecretValueError, HttpResponse>>),
    #[error("it has no text")]
    Binary,
    #[error("it is a JSON object without a text under `secret`")]
    NoField,
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// One secret of Secrets Manager.
pub(super) struct Manager {
    secret_id: String,
    client: OnceCell<Client>,
}

impl Manager {
    pub(super) fn of_environment(secret_id: String) -> Self {
        Self {
            secret_id,
            client: OnceCell::new(),
        }
    }

    pub(super) fn with(secret_id: String, aws: &SdkConfig) -> Self {
        Self {
            secret_id,
            client: OnceCell::new_with(Some(client(aws))),
        }
    }

    /// Both versions, side by side. A secret that was never rotated has no previous one.
    pub(super) async fn read(&self) -> Result<WebhookSecrets, ReadError> {
        let client = self.client.get_or_init(client_of_environment).await;
        let (current, previous) = tokio::join!(self.version(client, CURRENT), self.version(client, PREVIOUS));
        let current = current?;
        let previous = match previous {
            Ok(previous) => Some(previous),
            Err(ReadError::Call(error)) if is_absent(&error) => None,
            // Without it, deliveries that are signed with it would be lost: better to keep both as they were.
            Err(error @ ReadError::Call(_)) => return Err(error),
            // The first value that a template writes may be a placeholder.
            Err(unusable) => {
                warn!("The {PREVIOUS} version of the signing secret is passed over: {unusable}");
                None
            }
        };
        Ok(WebhookSecrets { current, previous })
    }

    async fn version(&self, client: &Client, stage: &str) -> Result<WebhookSecret, ReadError> {
        let call = client
            .get_secret_value()
            .secret_id(&self.secret_id)
            .version_stage(stage)
            .send();
        let value = call.await.map_err(|error| ReadError::Call(Box::new(error)))?;
        let text = value.secret_string().ok_or(ReadError::Binary)?;
        super::parse_secret(text)
    }
}

fn is_absent(error: &SdkError<GetSecretValueError, HttpResponse>) -> bool {
    error
        .as_service_error()
        .is_some_and(GetSecretValueError::is_resource_not_found_exception)
}

async fn client_of_environment() -> Client {
    // The loader itself asks the network only for a region that nobody set.
    client(
        &aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client())
            .load()
            .await,
    )
}

fn client(aws: &SdkConfig) -> Client {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let config = aws_sdk_secretsmanager::config::Builder::from(aws)
        .http_client(http_client())
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
        .timeout_config(timeouts)
        .build();
    Client::from_conf(config)
}

/// The SDK's own default would bring a second TLS provider.
fn http_client() -> aws_sdk_secretsmanager::config::SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https()
}
