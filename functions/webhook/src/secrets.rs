//! The signing secrets: reads, caches and refreshes them.
//!
//! **Invariant:** bad signatures cause at most one read in ten seconds, and a failed read never removes known secrets.

mod manager;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_config::SdkConfig;
use chain::signature::{self, SignatureError, WebhookSecret, WebhookSecrets, verify};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;
use tracing::{error, info};

use manager::{Manager, Versions};

/// How long secrets are used without reading them again. A revoked secret is accepted for this long.
const FRESH: Duration = Duration::from_secs(300);
/// How often a signature that does not match may cause a read, and how long to wait after a failed read. Anyone can send
/// such signatures; each read costs money, and Secrets Manager throttles.
const READ_EVERY: Duration = Duration::from_secs(10);
/// How long to wait after a failed read if no secret is known, so that nothing can be verified.
const FIRST_READ_EVERY: Duration = Duration::from_secs(1);
/// The limit of one read. API Gateway gives up after 30 s, Spacelift sooner.
const READ_TIME_MAX: Duration = Duration::from_secs(5);

/// Where the signing secrets come from.
pub struct SecretSource(Source);

enum Source {
    Fixed(Box<WebhookSecrets>),
    Manager(Manager),
}

impl SecretSource {
    /// A secret of AWS Secrets Manager, by name or ARN. The environment configures region, credentials and endpoint.
    pub fn secrets_manager(secret_id: impl Into<String>) -> Self {
        Self(Source::Manager(Manager::of_environment(secret_id.into())))
    }

    /// A secret of AWS Secrets Manager, with a configuration such as [`environment::aws::config`] returns.
    pub fn secrets_manager_at(secret_id: impl Into<String>, aws: &SdkConfig) -> Self {
        Self(Source::Manager(Manager::with(secret_id.into(), aws)))
    }
}

impl From<WebhookSecrets> for SecretSource {
    fn from(secrets: WebhookSecrets) -> Self {
        Self(Source::Fixed(Box::new(secrets)))
    }
}

/// Why a delivery could not be verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error("{0}")]
    Signature(#[from] SignatureError),
    #[error("the signing secret could not be read")]
    NoSecret,
}

/// The secrets as they were last read.
pub(crate) struct Secrets {
    source: Source,
    /// Never locked across an await: a delivery with a valid signature never waits.
    cached: RwLock<Option<Cached>>,
    /// Locked during a read, so that only one read happens at a time. The read itself holds the lock.
    read_state: Arc<Mutex<ReadState>>,
}

#[derive(Clone)]
struct Cached {
    versions: Versions,
    /// When the read began: a secret that was created later is not in it.
    read_at: Instant,
}

#[derive(Default)]
struct ReadState {
    /// When the last read ended.
    ended_at: Option<Instant>,
    forced_at: Option<Instant>,
    has_failed: bool,
}

impl ReadState {
    fn has_failed_within(&self, pause: Duration) -> bool {
        self.has_failed && is_within(self.ended_at, pause)
    }
}

fn is_within(at: Option<Instant>, pause: Duration) -> bool {
    at.is_some_and(|at| at.elapsed() < pause)
}

impl Secrets {
    pub(crate) fn new(source: SecretSource) -> Arc<Self> {
        Arc::new(Self {
            source: source.0,
            cached: RwLock::new(None),
            read_state: Arc::default(),
        })
    }

    /// Reads the secrets, so that the first delivery need not. A failure is logged; that delivery retries.
    pub(crate) async fn warm_up(self: &Arc<Self>) {
        self.current().await;
    }

    /// Verifies `body` with the known secrets, and if that fails, with secrets that a rotation may just have created.
    pub(crate) async fn verify(
        self: &Arc<Self>,
        signatures: &[&[u8]],
        body: &[u8],
    ) -> Result<(), VerifyError> {
        if let Source::Fixed(secrets) = &self.source {
            return Ok(verify(signatures, body, secrets)?);
        }
        // A request without a well-formed signature causes no read.
        signature::parse(signatures)?;
        let arrived_at = Instant::now();
        let known = self.current().await.ok_or(VerifyError::NoSecret)?;
        match verify(signatures, body, &known.versions.secrets) {
            Err(SignatureError::Mismatch) => {}
            answer => return Ok(answer?),
        }
        // Only one delivery reads at a time; those behind it use what it read.
        let read_state = self.lock().await;
        if let Some(newer) = self.newer_than(&known) {
            match verify(signatures, body, &newer.versions.secrets) {
                // That read may have begun before the secret of this delivery was created.
                Err(SignatureError::Mismatch) if newer.read_at < arrived_at => {}
                answer => return Ok(answer?),
            }
        }
        self.read_again(read_state).await?;
        let newer = self.newer_than(&known).ok_or(SignatureError::Mismatch)?;
        Ok(verify(signatures, body, &newer.versions.secrets)?)
    }

    async fn current(self: &Arc<Self>) -> Option<Cached> {
        match self.cached() {
            Some(cached) if cached.read_at.elapsed() < FRESH => Some(cached),
            Some(_) => {
                // If another task is reading already, the old secrets are used.
                if let Ok(read_state) = Arc::clone(&self.read_state).try_lock_owned()
                    && !is_within(read_state.ended_at, READ_EVERY)
                {
                    self.read(read_state, None).await;
                }
                self.cached()
            }
            None => {
                let asked_at = Instant::now();
                let read_state = self.lock().await;
                // Tasks that waited for a read share its result, good or bad.
                let shared = read_state.ended_at.is_some_and(|ended_at| ended_at >= asked_at);
                let is_early = read_state.has_failed_within(FIRST_READ_EVERY);
                if !shared && !is_early && self.cached().is_none() {
                    self.read(read_state, None).await;
                }
                self.cached()
            }
        }
    }

    fn newer_than(&self, known: &Cached) -> Option<Cached> {
        self.cached().filter(|cached| cached.read_at > known.read_at)
    }

    async fn lock(&self) -> OwnedMutexGuard<ReadState> {
        Arc::clone(&self.read_state).lock_owned().await
    }

    /// Reads the secrets because of a signature that does not match, unless that happened a short time ago.
    async fn read_again(
        self: &Arc<Self>,
        mut read_state: OwnedMutexGuard<ReadState>,
    ) -> Result<(), VerifyError> {
        let is_early = if read_state.has_failed {
            read_state.has_failed_within(READ_EVERY)
        } else {
            is_within(read_state.forced_at, READ_EVERY)
        };
        let is_read = if is_early {
            !read_state.has_failed
        } else {
            read_state.forced_at = Some(Instant::now());
            info!("Reading the signing secret again because a signature does not match");
            let known = self.cached().map(|cached| cached.versions.current);
            self.read(read_state, known).await
        };
        // If not, nobody knows whether the signature is bad: the sender shall come again.
        is_read.then_some(()).ok_or(VerifyError::NoSecret)
    }

    /// One read, and whether it succeeded. It is a task of its own: a sender that hangs up does not end it, and so cannot
    /// keep a new secret away.
    async fn read(
        self: &Arc<Self>,
        mut read_state: OwnedMutexGuard<ReadState>,
        known: Option<String>,
    ) -> bool {
        let secrets = Arc::clone(self);
        let reading = tokio::spawn(async move {
            read_state.has_failed = !secrets.read_now(known.as_deref()).await;
            read_state.ended_at = Some(Instant::now());
            !read_state.has_failed
        });
        // An error means that it panicked, or that the program ends.
        reading.await.unwrap_or(false)
    }

    /// Known secrets are kept if the read fails, or if the current version is still `known`.
    async fn read_now(&self, known: Option<&str>) -> bool {
        let Source::Manager(manager) = &self.source else {
            return true;
        };
        let read_at = Instant::now();
        // On the heap: the future of a request to AWS is large, and every delivery would have room for it.
        let read = tokio::time::timeout(READ_TIME_MAX, Box::pin(manager.read(known))).await;
        match read {
            Ok(Ok(None)) => return true,
            Ok(Ok(Some(versions))) => {
                let cached = Cached { versions, read_at };
                *self.cached.write().unwrap_or_else(PoisonError::into_inner) = Some(cached);
                return true;
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
        false
    }

    fn cached(&self) -> Option<Cached> {
        self.cached.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Parses a secret as Secrets Manager holds it: the text itself, or JSON with a field `secret`.
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
