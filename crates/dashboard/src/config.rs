//! What the dashboard needs to know, given once at its start.

use audit::Store;
use chain::{AccountName, ChainId, RunId, StackId, page};
use queue::Queue;
use spacelift::Spacelift;
use temporal_client::{TemporalSettings, WorkflowClient};

use crate::words::segment;

/// Everything that the dashboard needs to know.
pub struct Config {
    pub workflows: WorkflowClient,
    pub spacelift: Spacelift,
    /// The account to which the API key belongs.
    pub account: AccountName,
    pub pages: Pages,
    /// The audit log, for what neither a chain nor the schedule records.
    pub audit: Option<Store>,
    pub queues: Queues,
}

/// The queues of the webhook, as far as they are known here.
#[derive(Debug, Default)]
pub struct Queues {
    /// Events that could not be recorded in Temporal yet.
    pub buffer: Option<Queue>,
    /// Events that could not be recorded in several tries.
    pub dead_letters: Option<Queue>,
    /// Authentic bodies that could not be read.
    pub quarantine: Option<Queue>,
}

impl Queues {
    /// From the variables that the webhook reads, and the one that names the queue of dead letters.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let queue = |name| lookup(name).filter(|url| !url.trim().is_empty()).map(Queue::new);
        Self {
            buffer: queue("SPILLWAY_BUFFER_QUEUE_URL"),
            dead_letters: queue("SPILLWAY_DEAD_LETTER_QUEUE_URL"),
            quarantine: queue("SPILLWAY_QUARANTINE_QUEUE_URL"),
        }
    }
}

/// Where the pages of Spacelift and of Temporal are, if there are any.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    /// Such as `https://acme.app.spacelift.io`.
    pub spacelift: Option<String>,
    /// Those of the namespace, such as `http://127.0.0.1:8088/namespaces/default`.
    pub temporal: Option<String>,
}

impl Pages {
    /// The pages of Temporal's workflows: those of the given UI, or of Temporal Cloud if that is used.
    pub fn of_temporal(ui: Option<String>, temporal: &TemporalSettings) -> Option<String> {
        let is_cloud = [".tmprl.cloud", ".api.temporal.io"]
            .iter()
            .any(|domain| temporal.address().contains(domain));
        let ui = ui.or(is_cloud.then(|| "https://cloud.temporal.io".to_owned()))?;
        let ui = ui.trim_end_matches('/');
        Some(format!("{ui}/namespaces/{}", temporal.namespace()))
    }

    pub fn stack(&self, stack: &StackId) -> Option<String> {
        Some(page::stack(self.spacelift.as_deref()?, stack))
    }

    pub fn run(&self, stack: &StackId, run: &RunId) -> Option<String> {
        Some(page::run(self.spacelift.as_deref()?, stack, run))
    }

    pub fn workflow(&self, id: &str) -> Option<String> {
        let base = self.temporal.as_deref()?.trim_end_matches('/');
        Some(format!("{base}/workflows/{}", segment(id)))
    }

    pub fn chain(&self, chain: &ChainId) -> Option<String> {
        self.workflow(chain.as_str())
    }
}
