//! What an operator can set for the schedule of an account.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::ChainSettings;

/// The parameters of an account's schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduleSettings {
    pub chain: ChainSettings,
    /// How many runs of ours can be active at once, over all chains.
    pub parallel_runs_of_account: NonZeroU32,
    /// How long a ready stack waits for an upstream that is due in another chain or running.
    pub join_wait_ms: i64,
    /// How many refused triggers fail the stack.
    pub trigger_attempts: u32,
    /// How long a trigger that fails for a temporary reason is retried.
    pub trigger_patience_ms: i64,
    /// The first pause after a failed attempt.
    pub backoff_ms: i64,
    /// The longest pause between attempts, and between checks of a lock.
    pub longest_pause_ms: i64,
    /// Whether the end of a drift run starts a chain.
    pub drift_runs: bool,
    /// The pause before a failed run is retried. Each later one is twice as long.
    pub run_retry_pause_ms: i64,
    /// How long a run of ours can take until it is confirmed or applied. Unlimited if not set.
    pub run_timeout_ms: Option<i64>,
    /// How long a stack or chain can wait for a person or a lock before that is reported.
    pub stuck_after_ms: i64,
}

impl Default for ScheduleSettings {
    fn default() -> Self {
        Self {
            chain: ChainSettings::default(),
            parallel_runs_of_account: const { NonZeroU32::new(30).unwrap() },
            join_wait_ms: 600_000,
            trigger_attempts: 3,
            trigger_patience_ms: 7_200_000,
            backoff_ms: 5_000,
            longest_pause_ms: 300_000,
            drift_runs: false,
            run_retry_pause_ms: 60_000,
            run_timeout_ms: None,
            stuck_after_ms: 86_400_000,
        }
    }
}
