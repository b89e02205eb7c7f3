//! Writes the audit logs of chains.

use audit::{Record, Store};
use temporal_client::contract::AuditRecords;
use temporalio_sdk::ApplicationFailure;
use temporalio_sdk::activities::ActivityError;

use crate::failure::audit_error;
use crate::metrics;

#[derive(Debug, thiserror::Error)]
#[error("this chain writes an audit log, but SPILLWAY_AUDIT is not set for this worker")]
struct NoStore;

/// Retried until it succeeds, unless it cannot. Stacks do not wait for it, but the chain ends only when its log is
/// written.
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

/// Writes nothing if no audit log is configured.
pub(super) async fn write_unlinked(store: Option<&Store>, record: &Record) -> Result<(), ActivityError> {
    let Some(store) = store else { return Ok(()) };
    let written = store.put_delivery(record).await.map_err(audit_error);
    if written.is_err() {
        metrics::audit_failed();
    }
    written
}
