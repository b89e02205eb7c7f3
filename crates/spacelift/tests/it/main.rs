//! Tests of the client over real HTTP, against servers that answer well, badly, or not at all.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod answers;
mod blueprints;
mod changes;
mod connections;
mod contexts;
mod faults;
mod login;
mod open_runs;
mod policies;
mod relabel;
mod runs;
mod runs_since;
mod secrets;
mod server;
mod spaces;
mod stacks;
mod whole;
