//! Reads settings from a file and from variables. All problems are reported in one message.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use chain::freeze::FreezeWindow;
use chain::settings::RUN_RETRIES_MAX;

use crate::{Problems, Settings};

/// A sweep reads runs from Spacelift page by page: more sweeps would use up the request budget.
const SWEEP_EVERY_MIN: Duration = Duration::from_secs(1);

/// A new history begins with a few dozen events of its own.
const HISTORY_EVENTS_MIN: u32 = 100;
const HISTORY_EVENTS_MAX: u32 = 40_000;

/// The file that is read if `SPILLWAY_CONFIG` names no other.
const DEFAULT_FILE: &str = "spillway.toml";

/// All invalid settings, in one message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(pub Problems);

impl Settings {
    /// Reads variables, and the file that `SPILLWAY_CONFIG` names, or `spillway.toml` if it exists.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let named = lookup("SPILLWAY_CONFIG");
        let path = Path::new(named.as_deref().unwrap_or(DEFAULT_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named.is_none() => String::new(),
            Err(error) => {
                let problem = format!("the settings file {} could not be read: {error}", path.display());
                return Err(SettingsError(problem.into()));
            }
        };
        Self::read(&text, lookup)
    }

    /// Reads the text of a file, and variables.
    fn read(file: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let file: toml::Table = file.parse().map_err(|error: toml::de::Error| {
            let text = error.to_string();
            SettingsError(format!("the settings file is not valid TOML: {}", text.trim_end()).into())
        })?;
        let mut reader = Reader {
            file,
            lookup,
            problems: Problems::default(),
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
        reader.read("confirm", &mut settings.chain.confirm, "spacelift or chain");
        reader.read("ask_above", &mut settings.chain.ask_above, "a number of stacks");
        reader.read("no_change", &mut settings.chain.no_change, "run or skip");
        reader.read("run_retries", &mut settings.chain.run_retries, "a number from 0");
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
        reader.read_duration("run_retry_pause", &mut settings.timing.run_retry_pause);
        reader.read_duration("run_timeout", &mut settings.timing.run_timeout);
        reader.read_duration("stuck_after", &mut settings.timing.stuck_after);
        reader.read_duration("join_wait", &mut settings.timing.join_wait);
        reader.read("drift_runs", &mut settings.timing.drift_runs, "true or false");
        reader.read(
            "history_events",
            &mut settings.timing.history_events,
            "a number of events",
        );
        reader.read_windows("freeze", &mut settings.freezes);
        reader.read_duration("sweep_every", &mut settings.sweep_every);
        reader.read("pull_requests", &mut settings.pull_requests, "true or false");
        let Reader {
            file, mut problems, ..
        } = reader;
        for key in file.keys() {
            problems.add(format!("`{key}` in the settings file is not a setting"));
        }
        if settings.task_queue.is_empty() {
            problems.add("`task_queue` is empty");
        }
        if settings.timing.trigger_attempts == 0 {
            problems.add("`trigger_attempts` is 0: no stack would run");
        }
        if settings.chain.run_retries > RUN_RETRIES_MAX {
            problems.add(format!("`run_retries` is more than {RUN_RETRIES_MAX}"));
        }
        if settings.timing.poll_first.is_zero() {
            problems.add("`poll_first` is zero: runs would be polled without a pause");
        }
        if settings.timing.poll_longest.is_zero() {
            problems.add("`poll_longest` is zero: runs would be polled without a pause");
        }
        if settings.timing.trigger_backoff.is_zero() {
            problems.add("`trigger_backoff` is zero: refused triggers would be tried again without a pause");
        }
        if !(HISTORY_EVENTS_MIN..=HISTORY_EVENTS_MAX).contains(&settings.timing.history_events) {
            problems.add(format!(
                "`history_events` is not between {HISTORY_EVENTS_MIN} and {HISTORY_EVENTS_MAX}"
            ));
        }
        if settings.sweep_every < SWEEP_EVERY_MIN {
            problems.add(format!("`sweep_every` is less than {SWEEP_EVERY_MIN:?}"));
        }
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(SettingsError(problems))
        }
    }
}

struct Reader<F> {
    /// The entries that are left at the end are unknown settings.
    file: toml::Table,
    lookup: F,
    problems: Problems,
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
                Err(_) => self.problems.add(format!("`{name}` is `{text}`, not {wanted}")),
            }
        }
    }

    /// Reads tables of the file, such as `[[freeze]]`, or a JSON array of the same in the variable.
    fn read_windows(&mut self, key: &str, target: &mut Vec<FreezeWindow>) {
        let in_file = self.file.remove(key);
        let variable = format!("SPILLWAY_{}", key.to_uppercase());
        let read = match ((self.lookup)(&variable), in_file) {
            (Some(text), _) => serde_json::from_str(&text).map_err(|error| format!("`{variable}`: {error}")),
            (None, Some(tables)) => tables.try_into().map_err(|error: toml::de::Error| {
                let text = error.to_string();
                format!("`{key}`: {}", text.trim_end())
            }),
            (None, None) => return,
        };
        match read {
            Ok(windows) => *target = windows,
            Err(problem) => self.problems.add(problem),
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
                    .add(format!("`{name}` is `{text}`, not a duration like 30s or 10m")),
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
    fn without_settings_the_defaults_apply() {
        assert_eq!(read("", &[]), Ok(Settings::default()));
    }

    /// The parameters that are read have the names and defaults of the table.
    #[test]
    fn the_table_has_every_parameter_and_its_default() {
        let keys: Vec<_> = crate::table::all()
            .filter_map(|setting| Some((setting.key?, setting.default?)))
            .collect();
        for (key, default) in &keys {
            let file = format!("{key} = '{default}'");
            assert_eq!(read(&file, &[]), Ok(Settings::default()), "{file}");
        }
        let source = include_str!("read.rs");
        let (source, _) = source.split_once("mod tests").unwrap();
        let read = source.matches("reader.read(").count() + source.matches("reader.read_duration(").count();
        assert_eq!(keys.len(), read, "a parameter is missing in the table");
    }

    #[test]
    fn variables_override_the_file() {
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
    fn freeze_windows_come_from_tables_or_from_one_variable() {
        let file = "[[freeze]]\nname = 'night'\nfrom = '18:00'\nto = '06:00'\nstacks = ['prod-*']";
        let names = |settings: Settings| -> Vec<String> {
            settings
                .freezes
                .iter()
                .map(|window| window.name().to_owned())
                .collect()
        };
        assert_eq!(read(file, &[]).map(names), Ok(vec!["night".to_owned()]));
        let variable =
            r#"[{"name": "weekend", "from": "Fri 18:00", "to": "Mon 06:00", "zone": "Europe/Berlin"}]"#;
        assert_eq!(
            read(file, &[("SPILLWAY_FREEZE", variable)]).map(names),
            Ok(vec!["weekend".to_owned()])
        );
        let error = read("[[freeze]]\nname = 'night'\nfrom = 'dusk'\nto = '06:00'", &[]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("freeze window `night`: `dusk` is not a time"),
            "{error}"
        );
    }

    #[test]
    fn all_problems_are_named_at_once() {
        let error = read(
            "poll_first = 'soon'\nparalel_runs = 3\ntask_queue = ''\npoll_longest = '0s'\ntrigger_backoff = '0s'",
            &[
                ("SPILLWAY_TRIGGER_ATTEMPTS", "0"),
                ("SPILLWAY_DRIFT_RUNS", "perhaps"),
            ],
        )
        .unwrap_err();
        assert_eq!(
            error.0.iter().collect::<Vec<_>>(),
            [
                "`poll_first` is `soon`, not a duration like 30s or 10m",
                "`SPILLWAY_DRIFT_RUNS` is `perhaps`, not true or false",
                "`paralel_runs` in the settings file is not a setting",
                "`task_queue` is empty",
                "`trigger_attempts` is 0: no stack would run",
                "`poll_longest` is zero: runs would be polled without a pause",
                "`trigger_backoff` is zero: refused triggers would be tried again without a pause",
            ]
        );
    }

    #[test]
    fn a_value_at_its_limit_is_valid() {
        let at_limits = format!("run_retries = {RUN_RETRIES_MAX}\nsweep_every = '1s'");
        assert!(read(&at_limits, &[]).is_ok());
        let beyond = format!("run_retries = {}\nsweep_every = '999ms'", RUN_RETRIES_MAX + 1);
        let error = read(&beyond, &[]).unwrap_err();
        assert_eq!(
            error.0.iter().collect::<Vec<_>>(),
            [
                format!("`run_retries` is more than {RUN_RETRIES_MAX}"),
                "`sweep_every` is less than 1s".to_owned(),
            ]
        );
    }

    #[test]
    fn a_file_that_is_named_must_exist() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "task_queue = 'staging'").unwrap();
        let named = |path: &Path| {
            let path = path.to_str().unwrap().to_owned();
            Settings::from_lookup(move |name| (name == "SPILLWAY_CONFIG").then(|| path.clone()))
        };
        assert_eq!(named(file.path()).unwrap().task_queue, "staging");
        let missing = file.path().with_extension("missing");
        let error = named(&missing).unwrap_err().to_string();
        let expected = format!("the settings file {} could not be read", missing.display());
        assert!(error.starts_with(&expected), "{error}");
        assert_eq!(Settings::from_lookup(|_| None), Ok(Settings::default()));
    }
}
