//! The account: its whole state, and the lock around it. It knows the model, and nothing of runs that advance, HTTP or
//! GraphQL.
//!
//! `parts` are independent of each other, `state` joins them, and the other files change several of them together.

pub(crate) mod blueprints;
pub(crate) mod contexts;
pub(crate) mod parts;
pub(crate) mod policies;
pub(crate) mod roles;
pub(crate) mod shared;
pub(crate) mod spaces;
pub(crate) mod stack_locks;
pub(crate) mod stacks;
pub(crate) mod state;
pub(crate) mod webhooks;
