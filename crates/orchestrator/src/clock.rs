//! Moments in milliseconds since 1970, which is how they cross Temporal.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub fn now_ms() -> i64 {
    since_1970_ms(SystemTime::now())
}

/// A moment before 1970 counts as 1970.
pub fn since_1970_ms(moment: SystemTime) -> i64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, milliseconds)
}

/// How long ago a moment was; nothing where it lies ahead of this clock.
pub fn elapsed_since(at_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(now_ms().saturating_sub(at_ms)).unwrap_or_default())
}

pub fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
