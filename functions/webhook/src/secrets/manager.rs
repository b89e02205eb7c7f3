//! Reads both versions of the secret from AWS Secrets Manager.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use chain::signature::{SecretError, WebhookSecret, WebhookSecrets};
use tokio::sync::OnceCell;
use tracing::warn;

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
/// How long a secret stays valid after the next one was created. Spacelift has to get the new one within this time.
const PREVIOUS_FOR: Duration = Duration::from_secs(24 * 3600);

/// Why a version of the secret could not be read.
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

struct Version {
    secret: WebhookSecret,
    id: String,
    made_at: Option<SystemTime>,
}

/// The versions of a secret when it was read.
#[derive(Clone)]
pub(super) struct Versions {
    pub(super) secrets: WebhookSecrets,
    /// Secrets Manager's id of the current version.
    pub(super) current: String,
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
            client: OnceCell::new_with(Some(Client::new(aws))),
        }
    }

    /// Reads both versions, unless the current one is still the known one. The current one is read first: if both were
    /// read at once, a rotation between the two reads would hide the secret that was current until then.
    pub(super) async fn read(&self, known: Option<&str>) -> Result<Option<Versions>, ReadError> {
        let client = self.client().await;
        let current = self.version(client, CURRENT).await?;
        if known == Some(current.id.as_str()) {
            return Ok(None);
        }
        Versions::of(current, self.version(client, PREVIOUS).await, SystemTime::now()).map(Some)
    }

    async fn client(&self) -> &Client {
        self.client
            .get_or_init(async || Client::new(environment::aws::config().await))
            .await
    }

    async fn version(&self, client: &Client, stage: &str) -> Result<Version, ReadError> {
        let call = client
            .get_secret_value()
            .secret_id(&self.secret_id)
            .version_stage(stage)
            .send();
        let value = call.await.map_err(|error| ReadError::Call(Box::new(error)))?;
        let text = value.secret_string().ok_or(ReadError::Binary)?;
        Ok(Version {
            secret: super::parse_secret(text)?,
            made_at: value.created_date.and_then(|at| at.try_into().ok()),
            id: value.version_id.unwrap_or_default(),
        })
    }
}

impl Versions {
    /// A secret that was never rotated has no previous version.
    fn of(
        current: Version,
        previous: Result<Version, ReadError>,
        now: SystemTime,
    ) -> Result<Self, ReadError> {
        let previous = match previous {
            Ok(previous) => is_still_valid(current.made_at, now).then_some(previous.secret),
            Err(ReadError::Call(error)) if is_absent(&error) => None,
            // Without the previous secret, deliveries signed with it would be lost: the old ones are kept instead.
            Err(error @ ReadError::Call(_)) => return Err(error),
            // The first value that a template writes may be a placeholder.
            Err(unusable) => {
                warn!("The {PREVIOUS} version of the signing secret is ignored: {unusable}");
                None
            }
        };
        Ok(Self {
            secrets: WebhookSecrets {
                current: current.secret,
                previous,
            },
            current: current.id,
        })
    }
}

/// Whether the previous secret is still valid. It is if the age of the current one is unknown.
fn is_still_valid(current_made_at: Option<SystemTime>, now: SystemTime) -> bool {
    let age = current_made_at.and_then(|at| now.duration_since(at).ok());
    age.is_none_or(|age| age < PREVIOUS_FOR)
}

fn is_absent(error: &SdkError<GetSecretValueError, HttpResponse>) -> bool {
    error
        .as_service_error()
        .is_some_and(GetSecretValueError::is_resource_not_found_exception)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(secret: &str, made_at: SystemTime) -> Version {
        Version {
            secret: WebhookSecret::parse(secret).unwrap(),
            id: secret.to_owned(),
            made_at: Some(made_at),
        }
    }

    #[test]
    fn a_day_after_a_rotation_the_previous_secret_is_refused() {
        let made_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_745_600_100);
        let at = |age| {
            let (current, previous) = (
                version("the current secret of a test", made_at),
                version("the previous secret of a test", made_at),
            );
            let versions = Versions::of(current, Ok(previous), made_at + age).unwrap();
            versions.secrets.previous.is_some()
        };
        assert!(at(Duration::from_secs(1)));
        assert!(!at(PREVIOUS_FOR));
    }

    #[test]
    fn the_previous_secret_is_valid_for_a_day() {
        let made_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_745_600_100);
        for (age, expected) in [
            (Duration::ZERO, true),
            (PREVIOUS_FOR.checked_sub(Duration::from_secs(1)).unwrap(), true),
            (PREVIOUS_FOR, false),
        ] {
            assert_eq!(is_still_valid(Some(made_at), made_at + age), expected, "{age:?}");
        }
        assert!(
            is_still_valid(Some(made_at), made_at - PREVIOUS_FOR),
            "a clock that is behind"
        );
        assert!(is_still_valid(None, made_at));
    }
}
