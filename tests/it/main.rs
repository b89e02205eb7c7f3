//! Whole-system tests: a signed POST to the real webhook, the real Temporal server, the real worker process, and a
//! Spacelift account in memory. `cargo xtask test` starts the server.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod audit;
mod buffer;
mod chain;
mod chaos;
mod cost;
mod credentials;
mod deployment;
mod durability;
mod encryption;
mod engine;
mod histories;
mod latency;
mod long;
mod operations;
mod outage;
mod request;
mod rules;
mod trouble;
mod webhook;
mod world;
