//! The account: its whole state, and the lock around it. It knows the model, and nothing of runs that advance, HTTP or
//! GraphQL.
//!
//! Each of `parts` holds one kind of object, with what can be done to it. `state` joins them, and `changes` changes
//! several of them together.

pub(crate) mod changes;
pub(crate) mod parts;
pub(crate) mod shared;
pub(crate) mod state;
