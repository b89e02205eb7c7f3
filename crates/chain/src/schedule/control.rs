//! Orders of people to a chain.

use serde::{Deserialize, Serialize};

/// How a person can steer a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// Nothing new starts until the chain is resumed.
    Pause,
    Resume,
    /// A chain that waits for an approval begins.
    Approve,
    /// Stacks without a run are skipped.
    Cancel,
    /// Like cancel, and runs that no other chain needs are stopped unless they are confirmed.
    CancelAndStopRuns,
}
