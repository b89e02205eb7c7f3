//! The data that cross Temporal keep their format.

#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

mod contract;
