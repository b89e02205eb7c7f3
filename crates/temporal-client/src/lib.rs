//! Access to Temporal for everything but the worker: names, ids, inputs and outputs; connect, record, start, query.
//!
//! Does not link `temporalio-sdk-core`: a Lambda function needs a client, not a worker.

mod accounts;
mod chain_page;
mod chains;
pub mod clock;
mod codec;
#[cfg(feature = "compression")]
mod compression;
pub mod connection;
pub mod contract;
pub mod definition;
mod describe;
mod error;
mod freeze;
mod function_client;
mod halt;
mod health;
pub mod id;
mod lost_schedules;
mod namespace;
mod open_work;
mod ordered;
mod query;
#[cfg(feature = "compression")]
mod reading;
mod record;
mod recorder;
mod requests;
mod retries;
mod schedule_history;
mod sinks;
mod sweep;

pub use chain_page::{ChainFilter, ChainPage, ChainSummary};
pub use connection::{ConnectError, TemporalSettings};
pub use describe::ActivityAttempt;
pub use error::{TemporalError, TemporalErrorKind};
pub use health::Poller;
pub use lost_schedules::{LostSchedules, UnreadableMessage};
pub use namespace::namespace_id;
pub use open_work::ScheduleBefore;
pub use ordered::Ordered;
pub use record::Recorded;
pub use recorder::{NoConnection, Recorder, TemporalSource};
pub use requests::{RequestReport, RequestStatus};
pub use retries::Retries;
pub use sinks::SinkBehind;
pub use sweep::LastSweep;

use std::sync::Arc;

use settings::Settings;
use temporalio_client::Client;
use tokio::sync::OnceCell;

/// A Temporal client that knows Spillway's workflows.
#[derive(Clone)]
pub struct WorkflowClient<C = Client> {
    client: C,
    settings: Settings,
    namespace_id: Arc<OnceCell<Option<String>>>,
}

impl<C> WorkflowClient<C> {
    pub fn new(client: C, settings: Settings) -> Self {
        Self {
            client,
            settings,
            namespace_id: Arc::default(),
        }
    }

    pub fn client(&self) -> &C {
        &self.client
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
