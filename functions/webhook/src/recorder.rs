//! The way to Temporal, with a connection that is made when it is first needed and made anew when it is dead.

use chain::{AccountName, RunEvent, RunRequest};
use orchestrator::contract::Source;
use orchestrator::{Orchestrator, Recorded, Settings, TemporalSettings};
use tokio::sync::Mutex;
use tracing::{error, warn};

/// Something to record.
#[derive(Debug)]
pub(crate) enum Record {
    Event(Box<RunEvent>),
    Request {
        account: AccountName,
        request: RunRequest,
    },
}

pub(crate) struct Recorder {
    temporal: TemporalSettings,
    settings: Settings,
    connected: Mutex<Option<Orchestrator>>,
}

impl Recorder {
    pub(crate) fn new(temporal: TemporalSettings, settings: Settings) -> Self {
        Self {
            temporal: temporal.for_function(),
            settings,
            connected: Mutex::new(None),
        }
    }

    /// Connects, so that the first delivery need not. A failure is logged, and met again by that delivery.
    pub(crate) async fn warm_up(&self) {
        self.orchestrator().await;
    }

    /// `None` where Temporal could not be reached, also on a fresh connection: after a freeze of the sandbox the
    /// old one is dead.
    pub(crate) async fn record(&self, record: &Record) -> Option<Recorded> {
        for is_last in [false, true] {
            let orchestrator = self.orchestrator().await?;
            let recorded = match record {
                Record::Event(event) => orchestrator.record(event, Source::Webhook).await,
                Record::Request { account, request } => {
                    orchestrator.request(account, request, Source::Webhook).await
                }
            };
            match recorded {
                Ok(recorded) => return Some(recorded),
                Err(error) if is_last => error!("{:#}", anyhow::Error::new(error)),
                Err(error) => {
                    warn!(
                        "{:#}; trying again on a fresh connection",
                        anyhow::Error::new(error)
                    );
                    *self.connected.lock().await = None;
                }
            }
        }
        None
    }

    async fn orchestrator(&self) -> Option<Orchestrator> {
        let mut connected = self.connected.lock().await;
        if connected.is_none() {
            match self.temporal.connect().await {
                Ok(client) => *connected = Some(Orchestrator::new(client, self.settings.clone())),
                Err(error) => error!("{:#}", anyhow::Error::new(error)),
            }
        }
        connected.clone()
    }
}
