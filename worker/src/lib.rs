//! The ECS service: Spillway's workflows and activities.
//!
//! It polls Temporal for work, and calls Spacelift. Nothing calls it, except for its health check and its metrics.

pub mod activities;
mod cloudwatch;
mod endpoints;
mod failure;
mod metrics;
mod service;
mod traces;
pub mod workflows;

pub use endpoints::check_health;
pub use service::{Config, serve};
pub use traces::{TraceSettings, TraceSettingsError};
