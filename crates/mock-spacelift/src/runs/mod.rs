//! The engine of runs: pushes, the queue of each stack, how a run advances, and what its end starts.

pub(crate) mod lock;
pub(crate) mod log;
pub(crate) mod pace;
pub(crate) mod progress;
pub(crate) mod push;
pub(crate) mod queue;
pub(crate) mod trigger_policy;
