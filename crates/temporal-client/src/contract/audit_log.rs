//! `AuditWorkflow`: writes a record to the audit log for a workflow that does not wait for the log.

use audit::Record;
use serde::{Deserialize, Serialize};
use settings::Timing;

/// Input of `AuditWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditInput {
    pub version: u32,
    pub record: Record,
    pub timing: Timing,
}
