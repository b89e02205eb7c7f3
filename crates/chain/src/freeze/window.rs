//! A window in which nothing starts: daily, weekly, or once.

use std::str::FromStr;

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use super::Coverage;

/// A window of the settings. A clock time repeats daily, one with a weekday weekly, and one with a date happens once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct FreezeWindow {
    written: Written,
    from: Moment,
    to: Moment,
    zone: TimeZone,
}

/// The settings of a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    from: String,
    to: String,
    /// A zone of the time zone database, such as `Europe/Berlin`.
    #[serde(default = "utc")]
    zone: String,
    #[serde(default)]
    stacks: Vec<String>,
    #[serde(default)]
    spaces: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
}

fn utc() -> String {
    "UTC".to_owned()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Daily(Time),
    Weekly(Weekday, Time),
    Once(DateTime),
}

/// Why a window cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    #[error(
        "freeze window `{name}`: `{text}` is not a time such as `18:00`, `Fri 18:00` or `2026-12-20T18:00`"
    )]
    Time { name: String, text: String },
    #[error("freeze window `{name}`: `{zone}` is not a time zone such as `Europe/Berlin`")]
    Zone { name: String, zone: String },
    #[error(
        "freeze window `{name}`: `from` and `to` have to be of one kind: two clock times, two weekdays or two dates"
    )]
    Kinds { name: String },
    #[error("freeze window `{name}`: it ends when or before it begins")]
    Empty { name: String },
}

/// One occurrence of a window, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from_ms: i64,
    pub until_ms: i64,
}

impl Period {
    pub fn has(&self, at_ms: i64) -> bool {
        (self.from_ms..self.until_ms).contains(&at_ms)
    }
}

impl FreezeWindow {
    pub fn name(&self) -> &str {
        &self.written.name
    }

    pub fn coverage(&self) -> Coverage {
        Coverage {
            stacks: self.written.stacks.clone(),
            spaces: self.written.spaces.clone(),
            labels: self.written.labels.clone(),
        }
    }

    /// The times of the window, as they are written.
    pub fn times(&self) -> String {
        let Written { from, to, zone, .. } = &self.written;
        format!("{from} to {to} {zone}")
    }

    /// A moment in the window's zone, for people.
    pub fn moment(&self, at_ms: i64) -> String {
        super::moment(at_ms, &self.zone)
    }

    /// The current occurrence, or the next one. `None` if there are no more.
    pub fn period(&self, now_ms: i64) -> Option<Period> {
        let now = Timestamp::from_millisecond(now_ms)
            .ok()?
            .to_zoned(self.zone.clone());
        let today = now.date();
        let candidates: Vec<(DateTime, DateTime)> = match (self.from, self.to) {
            (Moment::Once(from), Moment::Once(to)) => vec![(from, to)],
            (Moment::Daily(from), Moment::Daily(to)) => (-1..=1)
                .filter_map(|days| {
                    let day = today.checked_add(days.days()).ok()?;
                    let last = if from < to { day } else { day.tomorrow().ok()? };
                    Some((day.to_datetime(from), last.to_datetime(to)))
                })
                .collect(),
            (Moment::Weekly(first, from), Moment::Weekly(last, to)) => (-1..=1)
                .filter_map(|weeks| {
                    let monday = monday_of(today)?.checked_add(weeks.weeks()).ok()?;
                    let begin = day_of(monday, first)?.to_datetime(from);
                    let end = day_of(monday, last)?.to_datetime(to);
                    let end = if begin < end {
                        end
                    } else {
                        end.checked_add(1.week()).ok()?
                    };
                    Some((begin, end))
                })
                .collect(),
            _ => Vec::new(),
        };
        // An hour that the clocks skip or repeat makes two moments of one time. A freeze is never shorter than written,
        // so it begins at the earlier one and ends at the later one.
        let in_zone = |at: DateTime| self.zone.to_ambiguous_timestamp(at);
        let periods = candidates.into_iter().filter_map(|(from, to)| {
            Some(Period {
                from_ms: in_zone(from).earlier().ok()?.as_millisecond(),
                until_ms: in_zone(to).later().ok()?.as_millisecond(),
            })
        });
        periods
            .filter(|period| period.until_ms > now_ms)
            .min_by_key(|period| period.from_ms)
    }
}

fn monday_of(date: Date) -> Option<Date> {
    let days = i64::from(date.weekday().to_monday_zero_offset());
    date.checked_sub(days.days()).ok()
}

fn day_of(monday: Date, weekday: Weekday) -> Option<Date> {
    let days = i64::from(weekday.to_monday_zero_offset());
    monday.checked_add(days.days()).ok()
}

impl TryFrom<Written> for FreezeWindow {
    type Error = WindowError;

    fn try_from(written: Written) -> Result<Self, WindowError> {
        let name = || written.name.clone();
        let read = |text: &str| {
            moment(text).ok_or_else(|| WindowError::Time {
                name: name(),
                text: text.to_owned(),
            })
        };
        let (from, to) = (read(&written.from)?, read(&written.to)?);
        let is_empty = match (from, to) {
            (Moment::Daily(from), Moment::Daily(to)) => from == to,
            (Moment::Weekly(..), Moment::Weekly(..)) => from == to,
            (Moment::Once(from), Moment::Once(to)) => from >= to,
            _ => return Err(WindowError::Kinds { name: name() }),
        };
        if is_empty {
            return Err(WindowError::Empty { name: name() });
        }
        let zone = TimeZone::get(&written.zone).map_err(|_| WindowError::Zone {
            name: name(),
            zone: written.zone.clone(),
        })?;
        Ok(Self {
            written,
            from,
            to,
            zone,
        })
    }
}

impl From<FreezeWindow> for Written {
    fn from(window: FreezeWindow) -> Self {
        window.written
    }
}

fn moment(text: &str) -> Option<Moment> {
    let text = text.trim();
    if let Some((day, time)) = text.split_once(' ')
        && let Some(weekday) = weekday(day)
    {
        return Some(Moment::Weekly(weekday, Time::from_str(time.trim()).ok()?));
    }
    if text.contains('-') {
        return DateTime::from_str(text).ok().map(Moment::Once);
    }
    Time::from_str(text).ok().map(Moment::Daily)
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text.to_lowercase().as_str() {
        "mon" | "monday" => Weekday::Monday,
        "tue" | "tuesday" => Weekday::Tuesday,
        "wed" | "wednesday" => Weekday::Wednesday,
        "thu" | "thursday" => Weekday::Thursday,
        "fri" | "friday" => Weekday::Friday,
        "sat" | "saturday" => Weekday::Saturday,
        "sun" | "sunday" => Weekday::Sunday,
        _ => return None,
    })
}
