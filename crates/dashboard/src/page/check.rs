//! One line of the page about health.

use std::time::{SystemTime, UNIX_EPOCH};

use super::ShownState;
use crate::words::Moment;

pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) state: ShownState,
    pub(super) words: String,
    pub(super) at: Option<Moment>,
    /// What to do, where something is wrong.
    pub(super) advice: Option<&'static str>,
}

impl Check {
    pub(super) fn good(name: &'static str, words: impl Into<String>) -> Self {
        Self {
            name,
            state: ShownState::Good,
            words: words.into(),
            at: None,
            advice: None,
        }
    }

    /// It says neither that something works nor that it does not.
    pub(super) fn unknown(name: &'static str, words: impl Into<String>) -> Self {
        Self {
            state: ShownState::Unknown,
            ..Self::good(name, words)
        }
    }

    pub(super) fn bad(name: &'static str, words: impl Into<String>, advice: &'static str) -> Self {
        Self {
            state: ShownState::Bad,
            advice: Some(advice),
            ..Self::good(name, words)
        }
    }

    pub(super) fn at(self, at: Option<SystemTime>) -> Self {
        Self {
            at: at.and_then(ms).and_then(Moment::of_ms),
            ..self
        }
    }
}

fn ms(time: SystemTime) -> Option<i64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}
