//! Local replacements of AWS for tests: moto for its services, and Lambda's runtime API for functions.

#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

pub mod lambda;
pub mod moto;
