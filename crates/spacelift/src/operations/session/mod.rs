//! The login, the user behind the API key, and the account.

mod account;
pub(crate) mod log_in;
mod outgoing_addresses;
mod viewer;

pub use viewer::User;
