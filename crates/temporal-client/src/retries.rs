//! The retries of a chain.

use chain::ChainId;
use temporalio_client::WorkflowExecutionStatus;

use crate::{TemporalError, WorkflowClient};

/// The retries of one chain.
#[derive(Debug, Clone)]
pub struct Retries {
    /// The latest last.
    pub known: Vec<(ChainId, WorkflowExecutionStatus)>,
    /// The id of the next retry.
    pub next: ChainId,
}

impl Retries {
    /// The retry that is not over.
    pub fn open(&self) -> Option<&ChainId> {
        let is_open =
            |(_, status): &&(ChainId, WorkflowExecutionStatus)| *status == WorkflowExecutionStatus::Running;
        self.known.iter().find(is_open).map(|(chain, _)| chain)
    }
}

impl WorkflowClient {
    /// The retries of a chain. If it is a retry itself, these are that retry and the later ones: Temporal may have deleted the
    /// earlier ones, and their ids must not be used again.
    pub async fn retries(&self, chain: &ChainId) -> Result<Retries, TemporalError> {
        let first = chain.first();
        let mut known = Vec::new();
        let mut number = chain.retry_number().max(1);
        loop {
            let next = ChainId::of_retry(&first, number);
            let Some(status) = self.status(next.as_str()).await? else {
                return Ok(Retries { known, next });
            };
            known.push((next, status));
            number = number.saturating_add(1);
        }
    }
}
