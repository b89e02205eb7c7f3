//! Records for functions: connects to Temporal on first use, and reconnects if the connection is dead.

use std::sync::Arc;
use std::time::Duration;

use environment::{SecretError, SecretVariables, Variables};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::{error, warn};

use crate::connection::{ConnectError, TemporalSettings};
use crate::contract::{Received, Source};
use crate::error::TemporalErrorKind;
use crate::function_client::FunctionClient;
use crate::record::Recorded;
use settings::Settings;

use crate::WorkflowClient;

/// How long Temporal counts as unreachable after a failure: requests in this time do not wait for it.
const AWAY: Duration = Duration::from_secs(2);
/// The limit of all steps together. Spacelift waits for its answer, and the queue needs time too.
const PATIENCE: Duration = Duration::from_secs(6);

/// The address of Temporal and our credentials. The secrets among them are read whenever a connection is made.
#[derive(Clone)]
pub struct TemporalSource(Inner);

#[derive(Clone)]
enum Inner {
    Known(Box<TemporalSettings>),
    Secret(Variables),
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum NoConnection {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl NoConnection {
    fn kind(&self) -> TemporalErrorKind {
        match self {
            Self::Secret(_) => TemporalErrorKind::Other,
            Self::Connect(error) => error.kind(),
        }
    }
}

impl TemporalSource {
    /// Checks everything at once, except what secrets hold.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConnectError> {
        let settings = TemporalSettings::from_variables(variables)?;
        let names_secret = |secret: SecretVariables| variables.contains_key(secret.named_by);
        Ok(if SecretVariables::OF_TEMPORAL.into_iter().any(names_secret) {
            Self(Inner::Secret(variables.clone()))
        } else {
            settings.into()
        })
    }

    /// The settings, with what their secrets hold now.
    pub async fn settings(&self) -> Result<TemporalSettings, NoConnection> {
        Ok(match &self.0 {
            Inner::Known(settings) => (**settings).clone(),
            Inner::Secret(variables) => {
                let mut variables = variables.clone();
                for secret in SecretVariables::OF_TEMPORAL {
                    secret.read_into(&mut variables).await?;
                }
                TemporalSettings::from_variables(&variables)?
            }
        })
    }

    async fn connect(&self) -> Result<FunctionClient, NoConnection> {
        Ok(self.settings().await?.connect_function().await?)
    }
}

impl From<TemporalSettings> for TemporalSource {
    fn from(settings: TemporalSettings) -> Self {
        Self(Inner::Known(Box::new(settings)))
    }
}

/// Records what was received.
pub struct Recorder {
    temporal: TemporalSource,
    settings: Settings,
    link: Mutex<Link>,
}

#[derive(Default)]
struct Link {
    connected: Option<Arc<WorkflowClient<FunctionClient>>>,
    /// When it failed last, and why.
    failed: Option<(Instant, TemporalErrorKind)>,
}

impl Recorder {
    pub fn new(temporal: impl Into<TemporalSource>, settings: Settings) -> Self {
        Self {
            temporal: temporal.into(),
            settings,
            link: Mutex::new(Link::default()),
        }
    }

    /// Connects, so that the first request need not. A failure is logged; the first request then meets it again.
    pub async fn warm_up(&self) {
        let _ = self.workflows().await;
    }

    /// The error says whether Temporal does not answer or refuses us. A failure is tried again on a fresh connection: after
    /// a function's sandbox was frozen, the old one is dead.
    pub async fn record(&self, received: &Received, source: Source) -> Result<Recorded, TemporalErrorKind> {
        let recorded = tokio::time::timeout(PATIENCE, self.try_twice(received, source)).await;
        if recorded.is_err() {
            error!("Temporal took longer than {} s", PATIENCE.as_secs());
            self.lose_connection(TemporalErrorKind::Unreachable).await;
        }
        recorded.unwrap_or(Err(TemporalErrorKind::Unreachable))
    }

    async fn try_twice(&self, received: &Received, source: Source) -> Result<Recorded, TemporalErrorKind> {
        let first = match self.workflows().await?.record(received, source).await {
            Ok(recorded) => return Ok(recorded),
            Err(error) => anyhow::Error::new(error),
        };
        warn!("{first:#}; trying again on a fresh connection");
        self.link.lock().await.connected = None;
        match self.workflows().await?.record(received, source).await {
            Ok(recorded) => Ok(recorded),
            Err(error) => {
                let kind = error.kind();
                error!("{:#}", anyhow::Error::new(error));
                self.lose_connection(kind).await;
                Err(kind)
            }
        }
    }

    async fn lose_connection(&self, why: TemporalErrorKind) {
        *self.link.lock().await = Link {
            connected: None,
            failed: Some((Instant::now(), why)),
        };
    }

    async fn workflows(&self) -> Result<Arc<WorkflowClient<FunctionClient>>, TemporalErrorKind> {
        let mut link = self.link.lock().await;
        if let Some(connected) = &link.connected {
            return Ok(Arc::clone(connected));
        }
        if let Some((at, why)) = link.failed
            && at.elapsed() < AWAY
        {
            return Err(why);
        }
        // On the heap: the connecting future is large, and every record would have room for it.
        match Box::pin(self.temporal.connect()).await {
            Ok(client) => {
                let connected = Arc::new(WorkflowClient::new(client, self.settings.clone()));
                link.connected = Some(Arc::clone(&connected));
                Ok(connected)
            }
            Err(error) => {
                let kind = error.kind();
                error!("{:#}", anyhow::Error::new(error));
                link.failed = Some((Instant::now(), kind));
                Err(kind)
            }
        }
    }
}
