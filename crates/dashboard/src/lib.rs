#![doc = include_str!("../README.md")]

mod access;
mod action_token;
mod assets;
mod config;
mod deadline;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
mod example;
mod filters;
mod layout;
mod lazy_pages;
pub mod login;
mod page;
mod phases;
mod router;
mod sources;
mod trouble;
mod visitor;
mod words;

pub use config::{Config, Pages, Queues};
pub use page::run_action::AuditFailed;
pub use router::{router, router_with_login, serve};
pub use visitor::Role;
