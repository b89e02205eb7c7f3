//! The ECS service: Spillway's workflows and activities.
//!
//! It asks Temporal for work, and Spacelift for facts and runs. Nothing calls it, but for its health check.

pub mod activities;
mod failure;
mod health;
mod service;
pub mod workflows;

pub use service::{Config, serve};
