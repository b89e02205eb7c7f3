//! Tests of the public interface: real deliveries, labelled graphs, planned chains.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod account;
mod bindings;
mod changes;
mod deliveries;
mod depend;
mod follow;
mod freezes;
mod graph;
mod hostile;
mod labels;
mod laws;
mod migration;
mod notices;
mod plan;
mod policies;
mod records;
mod relevance;
mod render;
mod retry;
mod schedule;
mod teardown;
mod terraform;
mod trigger_policies;
