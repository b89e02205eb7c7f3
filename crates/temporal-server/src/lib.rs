//! A Temporal development server on this machine: found, fetched or built, started, stopped.
//!
//! For `spillway dev` and the tests. The server that runs in production is somebody else's.

mod executable;
mod process;

pub use executable::{VERSION, executable};
pub use process::{DevServer, Options};
