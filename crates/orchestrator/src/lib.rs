//! The way in to Temporal for all but the worker: names, ids, inputs and outputs; connect, record, start, query.
//!
//! Links no `temporalio-sdk-core`: a Lambda function needs a client, not a worker.

mod chains;
pub mod clock;
mod codec;
#[cfg(feature = "compression")]
mod compression;
pub mod connection;
pub mod contract;
pub mod definition;
mod error;
mod function_client;
mod halt;
pub mod id;
mod open_work;
mod record;
mod recorder;
pub mod settings;
mod sweep;

pub use chains::ChainSummary;
pub use connection::{ConnectError, TemporalSettings};
pub use error::TemporalError;
pub use record::Recorded;
pub use recorder::{Recorder, TemporalSource};
pub use settings::Settings;

use temporalio_client::Client;

/// A Temporal client that knows Spillway's workflows.
#[derive(Clone)]
pub struct Orchestrator<C = Client> {
    client: C,
    settings: Settings,
}

impl<C> Orchestrator<C> {
    pub fn new(client: C, settings: Settings) -> Self {
        Self { client, settings }
    }

    pub fn client(&self) -> &C {
        &self.client
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}
