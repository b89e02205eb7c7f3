//! The keys of the cookies and the client's secret: read, cached and refreshed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use environment::{SecretVariables, Variables};
use openidconnect::ClientSecret;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use tracing::error;

use super::error::SignInError;
use super::seal::Keys;

pub(super) const KEY: &str = "SPILLWAY_DASHBOARD_KEY";
const KEY_PREVIOUS: &str = "SPILLWAY_DASHBOARD_KEY_PREVIOUS";
const CLIENT_SECRET: &str = "SPILLWAY_DASHBOARD_CLIENT_SECRET";

/// The secret in AWS Secrets Manager with the variables above.
pub(super) const IN_SECRETS_MANAGER: SecretVariables = SecretVariables {
    named_by: "SPILLWAY_DASHBOARD_SECRET_ID",
    prefix: "SPILLWAY_DASHBOARD_",
};

/// How long the secret is used without reading it again. A key that is taken away opens sessions for this long.
const FRESH: Duration = Duration::from_secs(300);
/// How often a cookie of an unknown key may cause a read. Anyone can send such cookies, and each read costs money.
const FORCED_EVERY: Duration = Duration::from_secs(60);
/// How long to wait after a failed read. The known secret is used in the meantime.
const FAILED_PAUSE: Duration = Duration::from_secs(10);

/// Where the keys come from: the variables, and the secret that they may name.
#[derive(Clone)]
pub struct SecretSource(Variables);

pub(super) struct Secret {
    keys: Keys,
    client_secret: Option<ClientSecret>,
}

pub(super) struct Secrets {
    source: SecretSource,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<(Arc<Secret>, Instant)>,
    forced_at: Option<Instant>,
    failed_at: Option<Instant>,
}

impl SecretSource {
    /// Checks everything at once, except what Secrets Manager holds.
    pub(super) fn from_variables(variables: &Variables) -> Result<Self, String> {
        let of_ours = variables
            .iter()
            .filter(|(name, _)| name.starts_with(IN_SECRETS_MANAGER.prefix));
        let source = Self(
            of_ours
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        );
        if !source.is_in_secrets_manager() {
            Secret::from_variables(&source.0)?;
        }
        Ok(source)
    }

    fn is_in_secrets_manager(&self) -> bool {
        let id = self.0.get(IN_SECRETS_MANAGER.named_by);
        id.is_some_and(|id| !id.trim().is_empty())
    }

    async fn read(&self) -> anyhow::Result<Secret> {
        let mut variables = self.0.clone();
        IN_SECRETS_MANAGER.read_into(&mut variables).await?;
        Secret::from_variables(&variables).map_err(anyhow::Error::msg)
    }
}

impl Secret {
    fn from_variables(variables: &Variables) -> Result<Self, String> {
        let text = |name| {
            let text = variables.get(name).map(|text| text.trim());
            text.filter(|text| !text.is_empty())
        };
        let Some(current) = text(KEY) else {
            return Err(format!(
                "neither `{KEY}` (32 bytes in Base64, such as `openssl rand -base64 32` prints) nor `{}` (where Secrets \
                 Manager holds it) is set",
                IN_SECRETS_MANAGER.named_by
            ));
        };
        let before = text(KEY_PREVIOUS).into_iter().flat_map(|keys| keys.split(','));
        let keys = Keys::parse([current].into_iter().chain(before));
        Ok(Self {
            keys: keys.ok_or_else(|| {
                format!("`{KEY}` and `{KEY_PREVIOUS}` have to be 32 bytes in Base64 each, such as `openssl rand -base64 32` prints")
            })?,
            client_secret: text(CLIENT_SECRET).map(|secret| ClientSecret::new(secret.to_owned())),
        })
    }
}

impl Secrets {
    pub(super) fn new(source: SecretSource) -> Self {
        Self {
            source,
            state: Mutex::default(),
        }
    }

    pub(super) async fn client_secret(&self) -> Result<Option<ClientSecret>, SignInError> {
        let secret = self.current().await.ok_or(SignInError::NoSecret)?;
        Ok(secret.client_secret.clone())
    }

    pub(super) async fn seal(&self, purpose: &str, value: &impl Serialize) -> Result<String, SignInError> {
        let secret = self.current().await.ok_or(SignInError::NoSecret)?;
        let sealed = secret.keys.seal(purpose, value);
        sealed.map_err(|error| SignInError::Invalid(error.into()))
    }

    /// `None` if it is not ours. A key that is not known may be newer than the known ones.
    pub(super) async fn open<T: DeserializeOwned>(
        &self,
        purpose: &str,
        sealed: &str,
    ) -> Result<Option<T>, SignInError> {
        let known = self.current().await.ok_or(SignInError::NoSecret)?;
        if known.keys.knows_key_of(sealed) {
            return Ok(known.keys.open(purpose, sealed));
        }
        let newer = self.forced().await.ok_or(SignInError::NoSecret)?;
        Ok(newer.keys.open(purpose, sealed))
    }

    pub(super) async fn current(&self) -> Option<Arc<Secret>> {
        let mut state = self.state.lock().await;
        if let Some((secret, at)) = &state.last
            && at.elapsed() < FRESH
        {
            return Some(Arc::clone(secret));
        }
        self.read(&mut state).await
    }

    async fn forced(&self) -> Option<Arc<Secret>> {
        let mut state = self.state.lock().await;
        if state.forced_at.is_some_and(|at| at.elapsed() < FORCED_EVERY) {
            return state.last.as_ref().map(|(secret, _)| Arc::clone(secret));
        }
        state.forced_at = Some(Instant::now());
        self.read(&mut state).await
    }

    /// A failed read never takes away a known secret.
    async fn read(&self, state: &mut State) -> Option<Arc<Secret>> {
        if state.failed_at.is_none_or(|at| at.elapsed() >= FAILED_PAUSE) {
            match self.source.read().await {
                Ok(secret) => {
                    state.last = Some((Arc::new(secret), Instant::now()));
                    state.failed_at = None;
                }
                Err(error) => {
                    error!("The dashboard's secret cannot be read: {error:#}");
                    state.failed_at = Some(Instant::now());
                }
            }
        }
        state.last.as_ref().map(|(secret, _)| Arc::clone(secret))
    }
}
