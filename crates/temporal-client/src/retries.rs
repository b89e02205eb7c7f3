//! The retries of a chain.

use chain::ChainId;
use temporalio_client::WorkflowExecutionStatus;

use crate::{TemporalError, WorkflowClient};

/// The retries of one chain.
#[derive(Debug, Clone)]
pub struct Retries {
    /// Those that Temporal still knows, the latest last.
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
    /// The retries of a chain, or of the chain that it retries.
    pub async fn retries(&self, chain: &ChainId) -> Result<Retries, TemporalError> {
        let first = chain.first();
        let mut known = Vec::new();
        let mut next = ChainId::of_retry(&first, 1);
        while let Some(status) = self.status(next.as_str()).await? {
            known.push((next, status));
            let number = u32::try_from(known.len()).unwrap_or(u32::MAX);
            next = ChainId::of_retry(&first, number.saturating_add(1));
        }
        Ok(Retries { known, next })
    }
}
