//! Times and durations as people read them.

use crate::json::{Seconds, Time};

/// Seconds, in UTC.
pub(crate) fn shown(at: Time) -> String {
    at.0.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// Minutes, in UTC.
pub(crate) fn shown_to_the_minute(at: Time) -> String {
    at.0.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The two largest units of a duration: `2m 05s`.
pub(crate) fn took(seconds: Seconds) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float saturates, and durations are far from that"
    )]
    let ms = (seconds.0 * 1000.0).round() as i64;
    chain::duration::took(ms)
}
