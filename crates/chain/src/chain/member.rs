//! The role of one stack in a chain.

use super::LeftOutReason;
use crate::Reason;

/// The role of a stack of the account in a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Member {
    /// Not downstream of the root, or the root, which has already run.
    Outside,
    Runs,
    /// Part of the chain but left out: stacks that wait for it continue.
    LeftOut(LeftOutReason),
    /// Not run, and neither are the stacks that wait for it.
    Skipped(Reason),
}
