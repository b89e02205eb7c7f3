//! Times and durations as people read them.

use jiff::SignedDuration;

use crate::json::{Seconds, Time};

/// Seconds, in UTC.
pub(crate) fn shown(at: Time) -> String {
    at.0.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Minutes, in UTC.
pub(crate) fn shown_to_the_minute(at: Time) -> String {
    at.0.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `4s`, `2m 5s`, `3h 20m`, `5d 2h`: the two largest units.
pub(crate) fn took(seconds: Seconds) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float saturates, and durations are far from that"
    )]
    let seconds = SignedDuration::from_secs(seconds.0.round() as i64)
        .as_secs()
        .max(0);
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let first = parts.iter().position(|(count, _)| *count > 0).unwrap_or(3);
    let shown: Vec<String> = parts
        .iter()
        .skip(first)
        .take(2)
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if shown.is_empty() {
        "0s".to_owned()
    } else {
        shown.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_its_two_largest_units() {
        for (seconds, expected) in [
            (0.0, "0s"),
            (0.7, "1s"),
            (59.0, "59s"),
            (60.0, "1m"),
            (125.0, "2m 5s"),
            (3_600.0, "1h"),
            (12_007.0, "3h 20m"),
            (50_025_600.0, "579d"),
        ] {
            assert_eq!(took(Seconds(seconds)), expected, "{seconds}");
        }
    }
}
