//! The parameters of the workflows: `spillway.toml` and `SPILLWAY_*` variables, which take precedence.
//!
//! Every key of the file has a variable of the same name in capitals: `parallel_runs` is `SPILLWAY_PARALLEL_RUNS`.

mod problems;
mod read;
pub mod table;

use std::num::NonZeroU32;
use std::time::Duration;

use chain::freeze::FreezeWindow;
use chain::{ChainSettings, ScheduleSettings, milliseconds};
pub use problems::Problems;
pub use read::SettingsError;
use serde::{Deserialize, Serialize};

/// The default task queue.
pub const TASK_QUEUE: &str = "spacelift-task-queue";

/// The default name of the webhook in Spacelift. Its id is the same text.
pub const WEBHOOK_NAME: &str = "spillway";

/// Temporal warns at 10,240 events, and ends a workflow at 51,200.
const HISTORY_EVENTS: u32 = 8_000;

/// All parameters of the workflows.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub task_queue: String,
    /// Recorded in every chain.
    pub chain: ChainSettings,
    /// How many runs may work at once, over all chains.
    pub parallel_runs_of_account: NonZeroU32,
    /// When nothing is started.
    pub freezes: Vec<FreezeWindow>,
    /// Recorded in every workflow.
    pub timing: Timing,
    /// How often to look for runs whose webhook was missed.
    pub sweep_every: Duration,
    /// Whether the impact of a proposed run is commented on its pull request.
    pub pull_requests: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            task_queue: TASK_QUEUE.to_owned(),
            chain: ChainSettings::default(),
            parallel_runs_of_account: ScheduleSettings::default().parallel_runs_of_account,
            freezes: Vec::new(),
            timing: Timing::default(),
            sweep_every: Duration::from_secs(600),
            pull_requests: false,
        }
    }
}

/// How often things are tried, and how long they are waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// How often Spacelift may refuse a trigger before its stack fails.
    pub trigger_attempts: u32,
    /// The pause before the second attempt; each later one is twice as long.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub trigger_backoff: Duration,
    /// How long a stack is retried while Spacelift cannot run it or does not show it.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub trigger_patience: Duration,
    /// How long a stack that could run waits for others upstream of it, so that one run serves several causes.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub join_wait: Duration,
    /// The first pause between look-ups of a run without webhooks. Each later one is three times as long.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub poll_first: Duration,
    /// The longest pause between look-ups.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub poll_longest: Duration,
    /// Whether the end of a drift run starts a chain.
    pub drift_runs: bool,
    /// The pause before a failed run is retried; each later one is twice as long.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub run_retry_pause: Duration,
    /// How long a run may take until it is confirmed or applies; zero means no limit.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub run_timeout: Duration,
    /// How long something may wait for a person or a lock before a message is sent.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub stuck_after: Duration,
    /// How many events a history may have before its workflow continues in a new one.
    pub history_events: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            trigger_attempts: 3,
            trigger_backoff: Duration::from_secs(5),
            trigger_patience: Duration::from_secs(2 * 3600),
            join_wait: Duration::from_secs(600),
            poll_first: Duration::from_secs(600),
            poll_longest: Duration::from_secs(3 * 3600),
            drift_runs: false,
            run_retry_pause: Duration::from_secs(60),
            run_timeout: Duration::ZERO,
            stuck_after: Duration::from_secs(24 * 3600),
            history_events: HISTORY_EVENTS,
        }
    }
}

impl Timing {
    /// The pause after `looks` look-ups.
    pub fn poll_pause(&self, looks: u32) -> Duration {
        let factor = 3_u32.saturating_pow(looks);
        self.poll_first.saturating_mul(factor).min(self.poll_longest)
    }
}

/// The longest pause between attempts at a stack, and between checks of a lock.
const LONGEST_ATTEMPT_PAUSE: Duration = Duration::from_secs(300);

impl Settings {
    /// The settings of an account's schedule.
    pub fn schedule(&self) -> ScheduleSettings {
        let timing = &self.timing;
        ScheduleSettings {
            chain: self.chain.clone(),
            parallel_runs_of_account: self.parallel_runs_of_account,
            join_wait_ms: milliseconds(timing.join_wait),
            trigger_attempts: timing.trigger_attempts,
            trigger_patience_ms: milliseconds(timing.trigger_patience),
            backoff_ms: milliseconds(timing.trigger_backoff),
            longest_pause_ms: milliseconds(LONGEST_ATTEMPT_PAUSE),
            drift_runs: timing.drift_runs,
            run_retry_pause_ms: milliseconds(timing.run_retry_pause),
            run_timeout_ms: Some(milliseconds(timing.run_timeout)).filter(|timeout_ms| *timeout_ms > 0),
            stuck_after_ms: milliseconds(timing.stuck_after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_has_the_settings_of_its_account() {
        let mut settings = Settings {
            parallel_runs_of_account: "7".parse().unwrap(),
            ..Settings::default()
        };
        settings.chain.parallel_runs = "9".parse().unwrap();
        settings.timing.trigger_attempts = 5;
        settings.timing.stuck_after = Duration::from_secs(60);
        let schedule = settings.schedule();
        assert_eq!(schedule.chain, settings.chain);
        assert_eq!(
            schedule.parallel_runs_of_account,
            settings.parallel_runs_of_account
        );
        assert_eq!((schedule.trigger_attempts, schedule.stuck_after_ms), (5, 60_000));
        assert_eq!(schedule.run_timeout_ms, None);
        settings.timing.run_timeout = Duration::from_millis(1);
        assert_eq!(settings.schedule().run_timeout_ms, Some(1));
    }

    #[test]
    fn pauses_grow_to_the_longest() {
        let timing = Timing::default();
        let pauses: Vec<u64> = (0..7).map(|looks| timing.poll_pause(looks).as_secs()).collect();
        assert_eq!(pauses, [600, 1800, 5400, 10_800, 10_800, 10_800, 10_800]);
    }
}
