//! The account: its whole state, and the lock around it. It knows the model and nothing outside of it.

pub(crate) mod shared;
pub(crate) mod state;
