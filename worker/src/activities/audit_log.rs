//! Writing the audit logs of chains.

use audit::{Record, Store};
use chain::ChainId;
use serde::{Deserialize, Serialize};
use temporalio_sdk::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;

use crate::failure::audit_error;
use crate::metrics;

/// Records of one chain, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecords {
    pub chain: ChainId,
    pub records: Vec<Record>,
}

#[derive(Debug, thiserror::Error)]
#[error("this chain writes an audit log, and SPILLWAY_AUDIT is not set where this worker runs")]
struct NoStore;

/// Tried until it works, unless it never will: a chain does not wait for it, but ends only when its log is written.
pub(super) async fn write(store: Option<&Store>, batch: &AuditRecords) -> Result<(), ActivityError> {
    let written = match store {
        Some(store) => store
            .put_chain(batch.chain.as_str(), &batch.records)
            .await
            .map_err(audit_error),
        None => Err(ActivityError::application(ApplicationFailure::new(NoStore))),
    };
    if written.is_err() {
        metrics::audit_failed();
    }
    written
}
