//! `StackDependencyChainWorkflow`: the record and the face of one cause.

use std::collections::VecDeque;

use audit::{Record, Trail};
use chain::{Chain, ChainId, ChainRecord, ChainResult, Reason, Root};
use serde::{Deserialize, Serialize};

use crate::settings::Timing;

/// Input of `StackDependencyChainWorkflow`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChainInput {
    pub version: u32,
    pub id: ChainId,
    pub root: Root,
    /// Who triggered the root's run or asked for it, as Spacelift or the request names them.
    #[serde(default)]
    pub by: Option<String>,
    pub timing: Timing,
    /// The plan; absent where it was refused.
    #[serde(default)]
    pub chain: Option<Box<Chain>>,
    /// Why there is no plan.
    #[serde(default)]
    pub refused: Option<Reason>,
    /// Where an earlier history left off.
    #[serde(default)]
    pub resume: Option<Box<ChainRecord>>,
    /// The audit log, if the chain writes one.
    #[serde(default)]
    pub audit: Option<ChainAudit>,
}

/// The audit log of a chain.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ChainAudit {
    /// Where the next record goes.
    pub trail: Trail,
    /// What is not known to be written yet. Each batch is written as one, whole, however often it is tried.
    pub unwritten: VecDeque<Vec<Record>>,
    /// The beginning is recorded.
    #[serde(default)]
    pub begun: bool,
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
    /// Absent where it was refused.
    #[serde(default)]
    pub record: Option<ChainRecord>,
}
