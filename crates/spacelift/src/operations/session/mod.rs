//! Who speaks, and to which account.

mod account;
pub(crate) mod log_in;
mod outgoing_addresses;
mod viewer;

pub use viewer::User;
