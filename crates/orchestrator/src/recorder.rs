//! The way to Temporal for functions: a connection that is made when it is first needed, and made anew when it is
//! dead.

use std::time::Duration;

use environment::{SecretError, SecretVariables, Variables};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{error, warn};

use crate::connection::{ConnectError, TemporalSettings};
use crate::contract::{Received, Source};
use crate::function_client::FunctionClient;
use crate::record::Recorded;
use crate::{Orchestrator, Settings};

/// How long Temporal counts as away after it could not be reached: who comes meanwhile does not wait for it.
const AWAY: Duration = Duration::from_secs(2);
/// How long everything together may take. Spacelift waits for its answer, and the queue wants some time too.
const PATIENCE: Duration = Duration::from_secs(6);

/// Where Temporal is, and as whom we speak to it; the secrets that say so are read whenever a connection is made.
#[derive(Clone)]
pub struct TemporalSource(Inner);

#[derive(Clone)]
enum Inner {
    Known(Box<TemporalSettings>),
    Secret(Variables),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
enum NoConnection {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl TemporalSource {
    /// Everything but what secrets hold is checked at once.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConnectError> {
        let settings = TemporalSettings::from_variables(variables)?;
        let names_secret = |secret: SecretVariables| variables.contains_key(secret.named_by);
        Ok(if SecretVariables::OF_TEMPORAL.into_iter().any(names_secret) {
            Self(Inner::Secret(variables.clone()))
        } else {
            settings.into()
        })
    }

    async fn connect(&self) -> Result<FunctionClient, NoConnection> {
        let settings = match &self.0 {
            Inner::Known(settings) => (**settings).clone(),
            Inner::Secret(variables) => {
                let mut variables = variables.clone();
                for secret in SecretVariables::OF_TEMPORAL {
                    secret.read_into(&mut variables).await?;
                }
                TemporalSettings::from_variables(&variables)?
            }
        };
        Ok(settings.connect_function().await?)
    }
}

impl From<TemporalSettings> for TemporalSource {
    fn from(settings: TemporalSettings) -> Self {
        Self(Inner::Known(Box::new(settings)))
    }
}

/// Records what came in.
pub struct Recorder {
    temporal: TemporalSource,
    settings: Settings,
    link: Mutex<Link>,
}

#[derive(Default)]
struct Link {
    connected: Option<Orchestrator<FunctionClient>>,
    failed_at: Option<Instant>,
}

impl Recorder {
    pub fn new(temporal: impl Into<TemporalSource>, settings: Settings) -> Self {
        Self {
            temporal: temporal.into(),
            settings,
            link: Mutex::new(Link::default()),
        }
    }

    /// Connects, so that the first who records need not. A failure is logged, and met again by that one.
    pub async fn warm_up(&self) {
        self.orchestrator().await;
    }

    /// `None` where Temporal could not be reached, also on a fresh connection: after a freeze of a function's sandbox
    /// the old one is dead.
    pub async fn record(&self, received: &Received, source: Source) -> Option<Recorded> {
        let recorded = tokio::time::timeout(PATIENCE, self.try_twice(received, source)).await;
        if recorded.is_err() {
            error!("Temporal took longer than {} s", PATIENCE.as_secs());
            self.lose_connection().await;
        }
        recorded.ok().flatten()
    }

    async fn try_twice(&self, received: &Received, source: Source) -> Option<Recorded> {
        let first = match self.orchestrator().await?.record(received, source).await {
            Ok(recorded) => return Some(recorded),
            Err(error) => anyhow::Error::new(error),
        };
        warn!("{first:#}; trying again on a fresh connection");
        self.link.lock().await.connected = None;
        match self.orchestrator().await?.record(received, source).await {
            Ok(recorded) => Some(recorded),
            Err(error) => {
                error!("{:#}", anyhow::Error::new(error));
                self.lose_connection().await;
                None
            }
        }
    }

    async fn lose_connection(&self) {
        *self.link.lock().await = Link {
            connected: None,
            failed_at: Some(Instant::now()),
        };
    }

    async fn orchestrator(&self) -> Option<Orchestrator<FunctionClient>> {
        let mut link = self.link.lock().await;
        if let Some(connected) = &link.connected {
            return Some(connected.clone());
        }
        if link.failed_at.is_some_and(|failed_at| failed_at.elapsed() < AWAY) {
            return None;
        }
        match self.temporal.connect().await {
            Ok(client) => {
                let connected = Orchestrator::new(client, self.settings.clone());
                link.connected = Some(connected.clone());
                Some(connected)
            }
            Err(error) => {
                error!("{:#}", anyhow::Error::new(error));
                link.failed_at = Some(Instant::now());
                None
            }
        }
    }
}
