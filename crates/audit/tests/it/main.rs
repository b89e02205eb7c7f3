//! The log from outside: written, read back, and looked at after somebody was at it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bucket;
mod directory;
mod laws;
mod log;
mod verification;
