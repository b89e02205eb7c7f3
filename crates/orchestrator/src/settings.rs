//! The parameters of the workflows: `spillway.toml`, over which `SPILLWAY_*` variables win.
//!
//! Every key of the file has a variable of the same name in capitals: `parallel_runs` is `SPILLWAY_PARALLEL_RUNS`.

use std::num::NonZeroU32;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use chain::{ChainSettings, ScheduleSettings};
use serde::{Deserialize, Serialize};

use crate::clock;

/// The task queue where none is named.
pub const TASK_QUEUE: &str = "spacelift-task-queue";

/// A sweep asks Spacelift once for each stack that others depend on: more often would use up its patience.
const SWEEP_EVERY_MIN: Duration = Duration::from_secs(1);

/// Temporal warns at 10,240 events, and ends a workflow at 51,200.
const HISTORY_EVENTS: u32 = 8_000;
/// A new history begins with a few dozen events of its own.
const HISTORY_EVENTS_MIN: u32 = 100;
const HISTORY_EVENTS_MAX: u32 = 40_000;

/// The file that is read where `SPILLWAY_CONFIG` names no other.
const DEFAULT_FILE: &str = "spillway.toml";

/// Everything that can be set about how chains run.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub task_queue: String,
    /// Recorded in every chain.
    pub chain: ChainSettings,
    /// How many runs may work at once, over all chains.
    pub parallel_runs_of_account: NonZeroU32,
    /// Recorded in every workflow.
    pub timing: Timing,
    /// How often runs are looked for of which no webhook told.
    pub sweep_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            task_queue: TASK_QUEUE.to_owned(),
            chain: ChainSettings::default(),
            parallel_runs_of_account: ScheduleSettings::default().parallel_runs_of_account,
            timing: Timing::default(),
            sweep_every: Duration::from_secs(600),
        }
    }
}

/// How often something is tried and how long it is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// How often Spacelift may refuse a trigger before its stack fails.
    pub trigger_attempts: u32,
    /// The pause before the second attempt; each later one is twice as long.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub trigger_backoff: Duration,
    /// How long a stack is tried while Spacelift cannot run it, or does not show it.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub trigger_patience: Duration,
    /// How long a stack that could run waits for something upstream of it, so that one run does for both.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub join_wait: Duration,
    /// The first pause between looks at a run of which no webhook tells. Each later one is three times as long.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub poll_first: Duration,
    /// The longest pause between looks.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub poll_longest: Duration,
    /// Whether the end of a drift run starts a chain.
    pub drift_runs: bool,
    /// How many events a history may have before its workflow goes on in a new one.
    #[serde(default = "history_events")]
    pub history_events: u32,
}

fn history_events() -> u32 {
    HISTORY_EVENTS
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            trigger_attempts: 3,
            trigger_backoff: Duration::from_secs(5),
            trigger_patience: Duration::from_secs(2 * 3600),
            join_wait: Duration::from_secs(600),
            poll_first: Duration::from_secs(300),
            poll_longest: Duration::from_secs(3 * 3600),
            drift_runs: false,
            history_events: HISTORY_EVENTS,
        }
    }
}

impl Timing {
    /// The pause after `looks` looks.
    pub fn poll_pause(&self, looks: u32) -> Duration {
        let factor = 3_u32.saturating_pow(looks);
        self.poll_first.saturating_mul(factor).min(self.poll_longest)
    }
}

/// The longest pause between attempts at a stack, and between looks at a lock.
const LONGEST_ATTEMPT_PAUSE: Duration = Duration::from_secs(300);

impl Settings {
    /// What shapes the schedule of an account.
    pub fn schedule(&self) -> ScheduleSettings {
        let timing = &self.timing;
        ScheduleSettings {
            chain: self.chain.clone(),
            parallel_runs_of_account: self.parallel_runs_of_account,
            join_wait_ms: clock::milliseconds(timing.join_wait),
            trigger_attempts: timing.trigger_attempts,
            trigger_patience_ms: clock::milliseconds(timing.trigger_patience),
            backoff_ms: clock::milliseconds(timing.trigger_backoff),
            longest_pause_ms: clock::milliseconds(LONGEST_ATTEMPT_PAUSE),
            drift_runs: timing.drift_runs,
        }
    }
}

/// Every setting that cannot be used, in one message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", problems.join("\n"))]
pub struct SettingsError {
    pub problems: Vec<String>,
}

impl Settings {
    /// From variables, and the file that `SPILLWAY_CONFIG` names or `spillway.toml` where it exists.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let named = lookup("SPILLWAY_CONFIG");
        let path = Path::new(named.as_deref().unwrap_or(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => String::new(),
            Err(error) => {
                return Err(SettingsError {
                    problems: vec![format!("{} cannot be read: {error}", path.display())],
                });
            }
        };
        Self::read(&text, lookup)
    }

    /// From the text of a file and a way to look up variables.
    fn read(file: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let file: toml::Table = file.parse().map_err(|error: toml::de::Error| SettingsError {
            problems: vec![format!(
                "the settings file is not TOML: {}",
                error.to_string().trim_end()
            )],
        })?;
        let mut reader = Reader {
            file,
            lookup,
            problems: Vec::new(),
        };
        let mut settings = Self::default();
        reader.read("task_queue", &mut settings.task_queue, "a name");
        reader.read(
            "parallel_runs",
            &mut settings.chain.parallel_runs,
            "a number from 1",
        );
        reader.read(
            "on_failure",
            &mut settings.chain.on_failure,
            "skip-downstream, stop or continue",
        );
        reader.read(
            "parallel_runs_of_account",
            &mut settings.parallel_runs_of_account,
            "a number from 1",
        );
        reader.read(
            "unknown_upstream",
            &mut settings.chain.unknown_upstream,
            "skip or ignore",
        );
        reader.read(
            "label_prefixes",
            &mut settings.chain.label_prefixes,
            "words separated by commas",
        );
        reader.read(
            "trigger_attempts",
            &mut settings.timing.trigger_attempts,
            "a number from 1",
        );
        reader.read_duration("trigger_backoff", &mut settings.timing.trigger_backoff);
        reader.read_duration("poll_first", &mut settings.timing.poll_first);
        reader.read_duration("poll_longest", &mut settings.timing.poll_longest);
        reader.read_duration("trigger_patience", &mut settings.timing.trigger_patience);
        reader.read_duration("join_wait", &mut settings.timing.join_wait);
        reader.read("drift_runs", &mut settings.timing.drift_runs, "true or false");
        reader.read(
            "history_events",
            &mut settings.timing.history_events,
            "a number of events",
        );
        reader.read_duration("sweep_every", &mut settings.sweep_every);
        let Reader {
            file, mut problems, ..
        } = reader;
        problems.extend(
            file.keys()
                .map(|key| format!("`{key}` in the settings file is no setting")),
        );
        if settings.task_queue.is_empty() {
            problems.push("`task_queue` is empty".to_owned());
        }
        if settings.timing.trigger_attempts == 0 {
            problems.push("`trigger_attempts` is 0: no stack would ever run".to_owned());
        }
        if settings.timing.poll_first.is_zero() {
            problems.push("`poll_first` is zero: runs would be polled without pause".to_owned());
        }
        if !(HISTORY_EVENTS_MIN..=HISTORY_EVENTS_MAX).contains(&settings.timing.history_events) {
            problems.push(format!(
                "`history_events` is not between {HISTORY_EVENTS_MIN} and {HISTORY_EVENTS_MAX}"
            ));
        }
        if settings.sweep_every < SWEEP_EVERY_MIN {
            problems.push(format!("`sweep_every` is less than {SWEEP_EVERY_MIN:?}"));
        }
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError { problems })
        }
    }
}

struct Reader<F> {
    /// What is left in it at the end is no setting of ours.
    file: toml::Table,
    lookup: F,
    problems: Vec<String>,
}

impl<F: Fn(&str) -> Option<String>> Reader<F> {
    /// The text of a setting and the name under which it was found.
    fn text(&mut self, key: &str) -> Option<(String, String)> {
        let in_file = self.file.remove(key);
        let variable = format!("SPILLWAY_{}", key.to_uppercase());
        if let Some(text) = (self.lookup)(&variable) {
            return Some((text, variable));
        }
        let text = match in_file? {
            toml::Value::String(text) => text,
            toml::Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().unwrap_or_default())
                .collect::<Vec<_>>()
                .join(","),
            other => other.to_string(),
        };
        Some((text, key.to_owned()))
    }

    fn read<T: FromStr>(&mut self, key: &str, target: &mut T, wanted: &str) {
        if let Some((text, name)) = self.text(key) {
            match text.parse() {
                Ok(value) => *target = value,
                Err(_) => self.problems.push(format!("`{name}` is `{text}`, not {wanted}")),
            }
        }
    }

    fn read_duration(&mut self, key: &str, target: &mut Duration) {
        if let Some((text, name)) = self.text(key) {
            match text
                .parse::<jiff::SignedDuration>()
                .ok()
                .and_then(|value| Duration::try_from(value).ok())
            {
                Some(value) => *target = value,
                None => self
                    .problems
                    .push(format!("`{name}` is `{text}`, not a duration like 30s or 10m")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(file: &str, variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::read(file, |name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_set_is_the_default() {
        assert_eq!(read("", &[]), Ok(Settings::default()));
    }

    #[test]
    fn variables_win_over_the_file() {
        let settings = read(
            "poll_first = '2m'\ntrigger_attempts = 5\nlabel_prefixes = ['after', 'needs']",
            &[("SPILLWAY_TRIGGER_ATTEMPTS", "7")],
        )
        .unwrap();
        assert_eq!(settings.timing.trigger_attempts, 7);
        assert_eq!(settings.timing.poll_first, Duration::from_secs(120));
        assert_eq!(settings.chain.label_prefixes.prefixes(), ["after", "needs"]);
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let error = read(
            "poll_first = 'soon'\nparalel_runs = 3\ntask_queue = ''",
            &[
                ("SPILLWAY_TRIGGER_ATTEMPTS", "0"),
                ("SPILLWAY_DRIFT_RUNS", "perhaps"),
            ],
        )
        .unwrap_err();
        assert_eq!(
            error.problems,
            [
                "`poll_first` is `soon`, not a duration like 30s or 10m",
                "`SPILLWAY_DRIFT_RUNS` is `perhaps`, not true or false",
                "`paralel_runs` in the settings file is no setting",
                "`task_queue` is empty",
                "`trigger_attempts` is 0: no stack would ever run",
            ]
        );
    }

    #[test]
    fn pauses_grow_to_the_longest() {
        let timing = Timing::default();
        let pauses: Vec<u64> = (0..7).map(|looks| timing.poll_pause(looks).as_secs()).collect();
        assert_eq!(pauses, [300, 900, 2700, 8100, 10_800, 10_800, 10_800]);
    }
}
