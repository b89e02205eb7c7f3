//! `StackDependencyChainWorkflow`: the record of one cause, and the workflow that people query and control.

use std::collections::VecDeque;

use audit::{Record, Trail};
use chain::schedule::Control;
use chain::{Chain, ChainId, ChainRecord, ChainResult, Notice, Reason, Root};
use serde::{Deserialize, Serialize};

use settings::Timing;

/// Input of `StackDependencyChainWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChainInput {
    pub version: u32,
    pub id: ChainId,
    pub root: Root,
    /// Who triggered the root's run or requested it, as Spacelift or the request names them.
    #[serde(default)]
    pub by: Option<String>,
    pub timing: Timing,
    /// The plan; absent if it was refused.
    #[serde(default)]
    pub chain: Option<Box<Chain>>,
    /// Why there is no plan.
    #[serde(default)]
    pub refused: Option<Reason>,
    /// The state of an earlier history.
    #[serde(default)]
    pub resume: Option<Box<ChainRecord>>,
    /// The audit log, if the chain writes one.
    #[serde(default)]
    pub audit: Option<ChainAudit>,
    /// Whether messages about the chain are sent.
    #[serde(default)]
    pub notified: bool,
    /// The last message that an earlier history sent.
    #[serde(default)]
    pub notice: Option<Notice>,
    /// When the chain was opened, in milliseconds since 1970, if that was in an earlier history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at_ms: Option<i64>,
}

/// The audit log of a chain.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChainAudit {
    /// The position of the next record.
    pub trail: Trail,
    /// Records that may not be written yet. Each batch is written as a whole, however often it is tried.
    pub unwritten: VecDeque<Vec<Record>>,
    /// Whether the beginning is recorded.
    #[serde(default)]
    pub begun: bool,
}

/// Signal `order`: what a person orders of the chain. The chain records it, and reports it to the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainOrder {
    pub control: Control,
    pub by: String,
    /// Why, as the person said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Answer of the query `state`, and output of `StackDependencyChainWorkflow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainReport {
    pub id: ChainId,
    pub root: Root,
    #[serde(default)]
    pub by: Option<String>,
    pub result: ChainResult,
    /// Why it was refused.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// Absent if the chain was refused.
    #[serde(default)]
    pub record: Option<ChainRecord>,
}

/// Input of the activity `write_audit_records`: records of one chain, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecords {
    pub chain: ChainId,
    pub records: Vec<Record>,
}
