//! The signing secrets, from where they are kept, for as long as they may be believed.
//!
//! **Invariant:** bad signatures cause at most one call a minute, and a read that fails takes nothing away.

mod manager;

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use aws_config::SdkConfig;
use chain::signature::{SignatureError, WebhookSecret, WebhookSecrets, verify};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{error, info};

use manager::{Manager, Versions};

/// How long secrets are believed without asking again. A secret that was taken away is accepted for that long.
const FRESH: Duration = Duration::from_secs(300);
/// How often a signature that does not match may cause a read. Anyone can send such signatures; each read costs
/// money, and Secrets Manager throttles.
const FORCED_EVERY: Duration = Duration::from_secs(60);
/// How long a failed read of secrets that are known is not repeated: old ones serve meanwhile.
const FAILED_PAUSE: Duration = Duration::from_secs(10);
/// How long one read may take. API Gateway gives up after 30 s, Spacelift sooner.
const READ_TIME_MAX: Duration = Duration::from_secs(5);

/// Where the signing secrets come from.
pub struct SecretSource(Source);

enum Source {
    Fixed(Box<WebhookSecrets>),
    Manager(Manager),
}

impl SecretSource {
    /// A secret of AWS Secrets Manager, by name or ARN. Region, credentials and endpoint are those of the environment.
    pub fn secrets_manager(secret_id: impl Into<String>) -> Self {
        Self(Source::Manager(Manager::of_environment(secret_id.into())))
    }

    /// A secret of AWS Secrets Manager, by a configuration such as [`environment::aws::config`] gives.
    pub fn secrets_manager_at(secret_id: impl Into<String>, aws: &SdkConfig) -> Self {
        Self(Source::Manager(Manager::with(secret_id.into(), aws)))
    }
}

impl From<WebhookSecrets> for SecretSource {
    fn from(secrets: WebhookSecrets) -> Self {
        Self(Source::Fixed(Box::new(secrets)))
    }
}

/// Why a delivery cannot be believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Disbelief {
    #[error("{0}")]
    Signature(#[from] SignatureError),
    #[error("the signing secret could not be read yet")]
    NoSecret,
}

/// The secrets as they were last read.
pub(crate) struct Secrets {
    source: Source,
    /// Never held over an await: a delivery with a good signature waits for nobody.
    cached: RwLock<Option<Cached>>,
    /// Held while a read is under way, so that there is one at a time.
    flight: Mutex<Flight>,
}

#[derive(Clone)]
struct Cached {
    versions: Versions,
    read_at: Instant,
}

#[derive(Default)]
struct Flight {
    ended_at: Option<Instant>,
    forced_at: Option<Instant>,
}

impl Secrets {
    pub(crate) fn new(source: SecretSource) -> Self {
        Self {
            source: source.0,
            cached: RwLock::new(None),
            flight: Mutex::new(Flight::default()),
        }
    }

    /// Reads the secrets, so that the first delivery need not. A failure is logged, and met again by that delivery.
    pub(crate) async fn warm_up(&self) {
        self.current().await;
    }

    /// Believes `body` by the secrets that are known, or else by those that a rotation may just have made.
    pub(crate) async fn verify(&self, signatures: &[&[u8]], body: &[u8]) -> Result<(), Disbelief> {
        if let Source::Fixed(secrets) = &self.source {
            return Ok(verify(signatures, body, secrets)?);
        }
        let known = self.current().await.ok_or(Disbelief::NoSecret)?;
        match verify(signatures, body, &known.versions.secrets) {
            Err(SignatureError::Mismatch) => {
                let newer = self.newer_than(&known).await.ok_or(SignatureError::Mismatch)?;
                Ok(verify(signatures, body, &newer.versions.secrets)?)
            }
            answer => Ok(answer?),
        }
    }

    async fn current(&self) -> Option<Cached> {
        match self.cached() {
            Some(cached) if cached.read_at.elapsed() < FRESH => Some(cached),
            Some(_) => {
                // Where someone else is reading already, the old ones do.
                if let Ok(mut flight) = self.flight.try_lock()
                    && flight
                        .ended_at
                        .is_none_or(|ended_at| ended_at.elapsed() >= FAILED_PAUSE)
                {
                    self.read(&mut flight, None).await;
                }
                self.cached()
            }
            None => {
                let asked_at = Instant::now();
                let mut flight = self.flight.lock().await;
                // Those who waited for a read share its end, good or bad.
                let shared = flight.ended_at.is_some_and(|ended_at| ended_at >= asked_at);
                if !shared && self.cached().is_none() {
                    self.read(&mut flight, None).await;
                }
                self.cached()
            }
        }
    }

    /// Secrets that were read after these, if there are any or a read is allowed now.
    async fn newer_than(&self, known: &Cached) -> Option<Cached> {
        let newer = || self.cached().filter(|cached| cached.read_at > known.read_at);
        let mut flight = self.flight.lock().await;
        if let Some(cached) = newer() {
            return Some(cached);
        }
        if flight
            .forced_at
            .is_some_and(|forced_at| forced_at.elapsed() < FORCED_EVERY)
        {
            return None;
        }
        flight.forced_at = Some(Instant::now());
        info!("Reading the signing secret again, since a signature does not match");
        self.read(&mut flight, Some(known)).await;
        newer()
    }

    /// One flight. Secrets that are known are kept where it fails, or where it would bring the same again.
    async fn read(&self, flight: &mut Flight, known: Option<&Cached>) {
        let Source::Manager(manager) = &self.source else {
            return;
        };
        let reading = async {
            match known {
                Some(known) => manager.read_unless(&known.versions.current).await,
                None => manager.read().await.map(Some),
            }
        };
        match tokio::time::timeout(READ_TIME_MAX, reading).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(versions))) => {
                let cached = Cached {
                    versions,
                    read_at: Instant::now(),
                };
                *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(cached);
            }
            Ok(Err(error)) => error!(
                "The signing secret cannot be read: {:#}",
                anyhow::Error::new(error)
            ),
            Err(_) => error!(
                "The signing secret cannot be read: no answer within {} s",
                READ_TIME_MAX.as_secs()
            ),
        }
        flight.ended_at = Some(Instant::now());
    }

    fn cached(&self) -> Option<Cached> {
        self.cached.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A secret as Secrets Manager holds it: the text itself, or JSON with it under `secret`.
fn parse_secret(text: &str) -> Result<WebhookSecret, manager::ReadError> {
    let secret = match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(fields)) => match fields.get("secret") {
            Some(serde_json::Value::String(secret)) => WebhookSecret::parse(secret),
            _ => return Err(manager::ReadError::NoField),
        },
        _ => WebhookSecret::parse(text),
    };
    Ok(secret?)
}
