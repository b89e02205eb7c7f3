//! `ReconcileWorkflow`: one sweep.

use serde::{Deserialize, Serialize};

use super::RunRef;
use crate::settings::Timing;

/// Input of `ReconcileWorkflow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepInput {
    pub version: u32,
    /// Runs from before are not looked for: Spillway was not there.
    pub since_ms: i64,
    pub timing: Timing,
}

/// Output of `ReconcileWorkflow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepOutcome {
    /// How many runs were looked at: those that were made since the last sweep.
    pub runs: usize,
    /// The runs that nobody followed, or whose end nobody had told.
    pub recorded: Vec<RunRef>,
    /// How many followed runs were over without a word, and were looked at.
    #[serde(default)]
    pub ends: usize,
    /// When the sweep looked, in milliseconds since 1970: the next one begins there.
    pub swept_at_ms: i64,
}
