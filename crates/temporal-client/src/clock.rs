//! Times in milliseconds since 1970, the form in which they cross Temporal.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub use chain::milliseconds;

pub fn now_ms() -> i64 {
    since_1970_ms(SystemTime::now())
}

/// A time before 1970 counts as 1970.
pub fn since_1970_ms(moment: SystemTime) -> i64 {
    moment.duration_since(UNIX_EPOCH).map_or(0, milliseconds)
}

/// A time as protocol buffers write it.
pub(crate) fn of_timestamp_ms(seconds: i64, nanos: i32) -> i64 {
    seconds.saturating_mul(1000) + i64::from(nanos / 1_000_000)
}

/// The time since a moment; zero if the moment is in the future.
pub fn elapsed_since(at_ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(now_ms().saturating_sub(at_ms)).unwrap_or_default())
}
