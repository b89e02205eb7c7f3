//! The settings of one stack in its labels: `spillway:<key>=<value>`.
//!
//! A label that cannot be read has no effect and is reported as a problem.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::binding::{ON_COMPLETED, ON_FAILED, is_name};
use crate::name::UnknownName;
use crate::settings::{NoChange, RUN_RETRIES_MAX};
use crate::{OnFailure, StackId};

/// The prefix of these labels.
pub const PREFIX: &str = "spillway:";

const KEYS: &str = "`on-failure`, `no-change`, `retries`, `timeout`, `stuck-after`, `priority`, `ignore`, `downstream`, `optional`, `commit`, `on-completed` and `on-failed`";

/// The settings in the labels of a stack. The rest comes from the settings of the account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct StackPolicy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<OnFailure>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_change: Option<NoChange>,
    /// How often a failed run is retried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// How long a run can take until it is confirmed or begins to apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
    /// How long it can wait for a person or a lock before that is reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stuck_after_s: Option<u32>,
    /// Of the stacks that could run, those with a greater number are tried first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The stack never runs and blocks nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore: bool,
    /// Which of the stacks downstream of it run after a run of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub downstream: Option<Downstream>,
    /// The stack runs its tracked commit, and never the root's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub tracked_commit_only: bool,
    /// Stacks after which it runs if they exist.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub optional: BTreeSet<StackId>,
}

/// Which of the stacks downstream of a root run after its run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<Downstream>)]
pub enum Downstream {
    #[default]
    All,
    /// Those that the run changed, and everything downstream of them: the root manages other stacks.
    Changed,
}

/// A label with our prefix that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadablePolicy {
    pub label: String,
    pub reason: String,
}

impl StackPolicy {
    /// The settings in the labels of a stack, and the labels that cannot be read.
    pub fn of(labels: &[String]) -> (Self, Vec<UnreadablePolicy>) {
        let mut policy = Self::default();
        let mut unreadable = Vec::new();
        for label in labels {
            let Some(rest) = label.trim().strip_prefix(PREFIX) else {
                continue;
            };
            if let Err(reason) = policy.read(rest.trim()) {
                unreadable.push(UnreadablePolicy {
                    label: label.clone(),
                    reason,
                });
            }
        }
        (policy, unreadable)
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        let Some((key, value)) = text.split_once('=') else {
            return Err("it is not of the form `spillway:<key>=<value>`".to_owned());
        };
        let (key, value) = (key.trim(), value.trim());
        match key {
            "on-failure" => set(&mut self.on_failure, parsed(value)?, key),
            "no-change" => set(&mut self.no_change, parsed(value)?, key),
            "retries" => {
                let retries = parsed(value).ok().filter(|retries| *retries <= RUN_RETRIES_MAX);
                let error = format!("`{value}` is not a number from 0 to {RUN_RETRIES_MAX}");
                set(&mut self.retries, retries.ok_or(error)?, key)
            }
            "timeout" => set(&mut self.timeout_s, seconds(value)?, key),
            "stuck-after" => set(&mut self.stuck_after_s, seconds(value)?, key),
            "priority" => {
                let priority = value.parse();
                let priority = priority.map_err(|_| format!("`{value}` is not a whole number"))?;
                set(&mut self.priority, priority, key)
            }
            "ignore" => {
                let ignore = match value {
                    "true" => true,
                    "false" => false,
                    _ => return Err(format!("`{value}` is neither `true` nor `false`")),
                };
                self.ignore |= ignore;
                Ok(())
            }
            "downstream" => set(&mut self.downstream, parsed(value)?, key),
            "optional" => {
                let stack = StackId::from_str(value).map_err(|error| error.to_string())?;
                self.optional.insert(stack);
                Ok(())
            }
            "commit" if value == "tracked" => {
                self.tracked_commit_only = true;
                Ok(())
            }
            // Whoever looks at a run that ended reads these.
            ON_COMPLETED | ON_FAILED if is_name(value) => Ok(()),
            ON_COMPLETED | ON_FAILED => Err(format!("`{value}` is not the name of a sink")),
            "commit" => Err(format!("`{value}` is not `tracked`, the only value of `commit`")),
            _ => Err(format!("`{key}` is none of {KEYS}")),
        }
    }

    /// The labels contain no settings.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The first label of a key counts. A different value in another label is reported.
fn set<T: PartialEq>(target: &mut Option<T>, value: T, key: &str) -> Result<(), String> {
    match target {
        Some(known) if *known != value => Err(format!("another label has a different value for `{key}`")),
        _ => {
            *target = Some(value);
            Ok(())
        }
    }
}

fn parsed<T: FromStr<Err: fmt::Display>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|error: T::Err| error.to_string())
}

/// A number with a unit: `90s`, `30m`, `4h`, `2d`.
fn seconds(value: &str) -> Result<u32, String> {
    let unreadable = || format!("`{value}` is not a duration such as 30m, 4h or 2d");
    let (number, unit) = value
        .char_indices()
        .find(|(_, character)| !character.is_ascii_digit())
        .and_then(|(at, _)| value.split_at_checked(at))
        .ok_or_else(unreadable)?;
    let unit_s: u32 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(unreadable()),
    };
    let number: u32 = number.parse().map_err(|_| unreadable())?;
    let seconds = number.checked_mul(unit_s).filter(|seconds| *seconds > 0);
    seconds.ok_or_else(unreadable)
}

/// A duration in the form that labels use.
pub fn duration(seconds: u32) -> String {
    for (unit_s, unit) in [(86_400, "d"), (3_600, "h"), (60, "m")] {
        if seconds.is_multiple_of(unit_s) {
            return format!("{}{unit}", seconds / unit_s);
        }
    }
    format!("{seconds}s")
}

impl StackPolicy {
    /// The settings as keys and values of labels.
    pub fn labels(&self) -> Vec<(&'static str, String)> {
        let mut labels = Vec::new();
        let mut add = |key, value: Option<String>| labels.extend(value.map(|value| (key, value)));
        add("on-failure", self.on_failure.map(|value| value.to_string()));
        add("no-change", self.no_change.map(|value| value.to_string()));
        add("retries", self.retries.map(|value| value.to_string()));
        add("timeout", self.timeout_s.map(duration));
        add("stuck-after", self.stuck_after_s.map(duration));
        add("priority", self.priority.map(|value| value.to_string()));
        add("ignore", self.ignore.then(|| true.to_string()));
        add("downstream", self.downstream.map(|value| value.to_string()));
        add("commit", self.tracked_commit_only.then(|| "tracked".to_owned()));
        for stack in &self.optional {
            add("optional", Some(stack.to_string()));
        }
        labels
    }
}

impl fmt::Display for StackPolicy {
    /// The value as in the label, without the prefix.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.labels().into_iter();
        let words: Vec<String> = labels.map(|(key, value)| format!("{key}={value}")).collect();
        f.write_str(&words.join(" "))
    }
}
