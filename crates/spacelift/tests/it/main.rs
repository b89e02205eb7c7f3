//! The client from outside: over real HTTP, against servers that answer well, badly, or not at all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod blueprints;
mod connections;
mod contexts;
mod faults;
mod login;
mod policies;
mod relabel;
mod runs;
mod runs_since;
mod secrets;
mod server;
mod spaces;
mod stacks;
mod whole;
