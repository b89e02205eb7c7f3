//! Freezes: when nothing starts, and which stacks that covers. Windows come from the settings, and a person can begin a
//! freeze.

mod coverage;
mod window;

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Serialize};

pub use coverage::{Coverage, Covered};
pub use window::{FreezeWindow, Period, WindowError};

use crate::attempt::{Hold, HoldKind};

/// A freeze begun by a person, with its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Freeze {
    pub by: String,
    pub reason: String,
    pub until_ms: i64,
    #[serde(default)]
    pub coverage: Coverage,
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = moment(self.until_ms, &TimeZone::UTC);
        write!(f, "frozen by {} until {until}: {}", self.by, self.reason)
    }
}

/// A text that is not the length of a freeze.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LengthError {
    #[error("`{0}` is not a duration such as 90m, 2h or 1d")]
    Unreadable(String),
    #[error("`{0}` is not longer than zero")]
    NotPositive(String),
}

/// The length of a freeze, such as `90m`, `2h` or `1d`. A day has 24 hours.
pub fn length(text: &str) -> Result<Duration, LengthError> {
    let text = text.trim();
    let length = text
        .parse::<Span>()
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()))
        .map_err(|_| LengthError::Unreadable(text.to_owned()))?;
    Duration::try_from(length)
        .ok()
        .filter(|length| !length.is_zero())
        .ok_or_else(|| LengthError::NotPositive(text.to_owned()))
}

/// The freeze that covers a stack now, and its end. If there are several, the one that ends last.
pub fn hold(
    windows: &[FreezeWindow],
    freeze: Option<&Freeze>,
    stack: &Covered<'_>,
    now_ms: i64,
) -> Option<(Hold, i64)> {
    let by_window = windows
        .iter()
        .filter(|window| window.coverage().covers(stack))
        .filter_map(|window| {
            let period = window.period(now_ms).filter(|period| period.has(now_ms))?;
            let until = window.moment(period.until_ms);
            let text = format!("the freeze window `{}` lasts until {until}", window.name());
            Some((text, period.until_ms))
        });
    let by_person = freeze
        .filter(|freeze| freeze.until_ms > now_ms && freeze.coverage.covers(stack))
        .map(|freeze| (freeze.to_string(), freeze.until_ms));
    let (text, until_ms) = by_window.chain(by_person).max_by_key(|(_, until_ms)| *until_ms)?;
    Some((Hold::new(HoldKind::Freeze, text), until_ms))
}

/// A moment in a time zone, for people.
fn moment(at_ms: i64, zone: &TimeZone) -> String {
    let at = Timestamp::from_millisecond(at_ms).unwrap_or_default();
    at.to_zoned(zone.clone())
        .strftime("%a %Y-%m-%d %H:%M %Z")
        .to_string()
}
