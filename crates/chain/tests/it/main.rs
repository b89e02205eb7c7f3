//! The crate from outside: deliveries as they come, graphs as people label them, chains as they are planned.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod account;
mod deliveries;
mod graph;
mod hostile;
mod labels;
mod laws;
mod plan;
mod relevance;
mod render;
mod schedule;
