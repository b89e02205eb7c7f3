//! What is shown comes from here. Everything is kept for a while and shared by all who look, since each query is billed.

mod account;
mod chains;
mod runs;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use account::{AccountListing, Listing};
pub(crate) use chains::{ChainReports, Seen};
pub(crate) use runs::Runs;

/// An open chain is asked at most once in this time, however many look at it.
pub(crate) const FRESH: Duration = Duration::from_secs(5);

pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
