//! How fast runs advance.

use std::time::Duration;

/// What advances the runs of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Only the test: see [`crate::MockSpacelift::step`].
    Manual,
    /// Every run advances by one state after each such interval.
    Every(Duration),
}
