//! Whole-system tests: a signed POST to the real webhook, the real Temporal server, the real worker process, and a
//! Spacelift account in memory. `cargo xtask test` starts the server.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says why")]

mod architecture;
mod audit;
mod buffer;
mod chain;
mod chaos;
#[path = "../../crates/cli/tests/it/conforms.rs"]
mod conforms;
mod cost;
mod credentials;
mod dashboard;
mod demo;
mod deployment;
mod documents;
mod durability;
mod encryption;
mod engine;
mod histories;
mod latency;
mod login;
mod long;
mod named_webhook;
mod notices;
mod operations;
mod outage;
mod pages;
mod patience;
mod request;
mod rules;
mod steering;
mod traces;
mod trouble;
mod upgrade;
mod webhook;
mod world;
