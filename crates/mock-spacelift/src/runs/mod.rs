//! The engine of runs: how they are created, how they advance, what people decide, and what their ends start.
//!
//! It changes the account, which then has deliveries to send. It knows no handle and no server, and `pace` calls what it
//! is given.

pub(crate) mod advance;
pub(crate) mod announcement;
pub(crate) mod creation;
pub(crate) mod decision;
pub(crate) mod deletion;
pub(crate) mod from_blueprint;
pub(crate) mod pace;
pub(crate) mod progress;
pub(crate) mod push;
pub(crate) mod retry;
pub(crate) mod transition;
pub(crate) mod trigger_policy;
pub(crate) mod upstream;
