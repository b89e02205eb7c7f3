//! The account's time: the wall clock, in the units that Spacelift's interfaces use.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A time, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    millis: i64,
}

impl Timestamp {
    pub fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            millis: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX),
        }
    }

    pub(crate) fn earlier(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        Self {
            millis: self.millis.saturating_sub(by),
        }
    }

    /// Unix seconds: GraphQL, and most of the default webhook payload.
    pub fn seconds(self) -> i64 {
        self.millis / 1_000
    }

    /// Unix milliseconds: `timestamp_millis`, and the audit trail.
    pub fn millis(self) -> i64 {
        self.millis
    }

    /// Unix nanoseconds: policy inputs.
    pub fn nanos(self) -> i64 {
        self.millis * 1_000_000
    }
}
