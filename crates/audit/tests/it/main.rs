//! Tests of the public interface: logs that are written, read back, and verified after manipulation.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod bucket;
mod damaged_chains;
mod directory;
mod laws;
mod log;
mod manifest;
mod next_manifest;
mod verification;
