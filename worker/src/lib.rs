//! The ECS service: Spillway's workflows and activities.
//!
//! It asks Temporal for work, and Spacelift for facts and runs. Nothing calls it, but for its health check and its metrics.

pub mod activities;
mod cloudwatch;
mod endpoints;
mod failure;
mod metrics;
mod service;
pub mod workflows;

pub use endpoints::check_health;
pub use service::{Config, serve};
