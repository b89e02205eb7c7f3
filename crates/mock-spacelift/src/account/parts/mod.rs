//! The parts of the account's state, each with the operations that need no other part.

pub(crate) mod deliveries;
pub(crate) mod dependencies;
pub(crate) mod repositories;
pub(crate) mod roles;
pub(crate) mod runs;
pub(crate) mod sessions;
pub(crate) mod spaces;
