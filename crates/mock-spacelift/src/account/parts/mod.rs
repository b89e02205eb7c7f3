//! The parts of the account's state. Each changes only itself, and gets what else it has to know as arguments.

pub(crate) mod blueprints;
pub(crate) mod contexts;
pub(crate) mod deliveries;
pub(crate) mod dependencies;
pub(crate) mod ids;
pub(crate) mod log;
pub(crate) mod named_webhooks;
pub(crate) mod policies;
pub(crate) mod repositories;
pub(crate) mod roles;
pub(crate) mod runs;
pub(crate) mod sessions;
pub(crate) mod spaces;
pub(crate) mod stacks;
