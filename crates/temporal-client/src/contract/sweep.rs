//! `ReconcileWorkflow`: one sweep.

use serde::{Deserialize, Serialize};

use super::RunRef;
use settings::Timing;

/// Input of `ReconcileWorkflow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepInput {
    pub version: u32,
    /// Older runs are ignored: Spillway was not deployed yet.
    pub since_ms: i64,
    pub timing: Timing,
}

/// Output of `ReconcileWorkflow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepOutcome {
    /// How many runs were checked: those that were created since the last sweep.
    pub runs: usize,
    /// The runs without a follower, or whose end was not reported.
    pub recorded: Vec<RunRef>,
    /// How many followed runs were over although no webhook reported it, and were looked up.
    #[serde(default)]
    pub ends: usize,
    /// How many differences from the schedule's state were reported to the schedule.
    #[serde(default)]
    pub repaired: usize,
    /// When the sweep ran, in milliseconds since 1970: the next one begins there.
    pub swept_at_ms: i64,
}
