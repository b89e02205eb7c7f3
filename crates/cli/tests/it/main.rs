//! The command as people and scripts run it: the real binary, against an account in memory.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod account;
mod audit;
mod control;
mod doctor;
mod failures;
mod lint;
mod mock;
mod plan;
mod query;
mod redeliver;
mod report;
mod runs;
mod webhook;
mod world;
