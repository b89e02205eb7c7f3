//! The period of a report, as people write it.

use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::failure::Failure;

/// A moment: a time, the beginning of a day in UTC, or so long ago.
#[derive(Debug, Clone)]
pub(crate) enum Moment {
    At(Timestamp),
    Ago(Span),
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse() {
            return Ok(Self::At(at));
        }
        if let Some(day) = text
            .parse::<Date>()
            .ok()
            .and_then(|day| day.to_zoned(TimeZone::UTC).ok())
        {
            return Ok(Self::At(day.timestamp()));
        }
        match text.parse::<Span>() {
            Ok(span) if !span.is_negative() => Ok(Self::Ago(span)),
            _ => Err("write 30d, 12h, 2026-10-01 or 2026-10-01T12:00:00Z".to_owned()),
        }
    }
}

impl Moment {
    /// `None` if no clock shows this time.
    fn seen_from(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::At(at) => Some(*at),
            Self::Ago(span) => now
                .to_zoned(TimeZone::UTC)
                .checked_sub(*span)
                .ok()
                .map(|at| at.timestamp()),
        }
    }
}

/// From `since` on, and before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
}

impl Period {
    pub(crate) fn of(since: &Moment, until: Option<&Moment>, now: Timestamp) -> Result<Self, Failure> {
        let until = until.map_or(Some(now), |until| until.seen_from(now));
        let period = since
            .seen_from(now)
            .zip(until)
            .map(|(since, until)| Self { since, until });
        match period {
            Some(period) if period.since < period.until => Ok(period),
            Some(period) => Err(Failure::usage(format!(
                "the period is empty: it starts at {} and ends at {}",
                period.since, period.until
            ))),
            None => Err(Failure::usage("the date is out of range")),
        }
    }

    pub(crate) fn holds(&self, at_ms: i64) -> bool {
        (self.since.as_millisecond()..self.until.as_millisecond()).contains(&at_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-21T10:00:00Z";

    fn period(since: &str, until: Option<&str>) -> Result<String, String> {
        let until: Option<Moment> = until.map(|until| until.parse().unwrap());
        let period = Period::of(&since.parse()?, until.as_ref(), NOW.parse().unwrap());
        period
            .map(|period| format!("{} {}", period.since, period.until))
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_period_is_written_in_many_ways() {
        for (since, until, expected) in [
            ("30d", None, "2026-10-22T10:00:00Z 2026-11-21T10:00:00Z"),
            ("1mo", None, "2026-10-21T10:00:00Z 2026-11-21T10:00:00Z"),
            ("2w 1h", Some("1w"), "2026-11-07T09:00:00Z 2026-11-14T10:00:00Z"),
            (
                "2026-10-01",
                Some("2026-11-01"),
                "2026-10-01T00:00:00Z 2026-11-01T00:00:00Z",
            ),
            (
                "2026-10-01T12:00:00+02:00",
                None,
                "2026-10-01T10:00:00Z 2026-11-21T10:00:00Z",
            ),
        ] {
            assert_eq!(period(since, until).as_deref(), Ok(expected), "{since}");
        }
        for wrong in ["", "30", "yesterday", "-3d", "3d ago", "2026-13-01"] {
            assert!(
                period(wrong, None).unwrap_err().starts_with("write 30d"),
                "{wrong}"
            );
        }
        assert!(
            period("1d", Some("2d"))
                .unwrap_err()
                .starts_with("the period is empty")
        );
        assert_eq!(
            period("99999999d", None),
            Err("write 30d, 12h, 2026-10-01 or 2026-10-01T12:00:00Z".to_owned())
        );
        assert_eq!(period("19998y", None), Err("the date is out of range".to_owned()));
    }

    #[test]
    fn its_beginning_is_in_it_and_its_end_is_not() {
        let period = Period {
            since: Timestamp::from_millisecond(10).unwrap(),
            until: Timestamp::from_millisecond(20).unwrap(),
        };
        let held: Vec<i64> = [9, 10, 19, 20]
            .into_iter()
            .filter(|at| period.holds(*at))
            .collect();
        assert_eq!(held, [10, 19]);
    }
}
