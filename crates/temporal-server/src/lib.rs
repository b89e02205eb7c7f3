//! A Temporal development server on this machine: finds, downloads or builds it, starts and stops it.
//!
//! For `spillway dev` and the tests. It is not for production.

mod executable;
mod process;

pub use executable::{VERSION, executable};
pub use process::{DevServer, Options};
