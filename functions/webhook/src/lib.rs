//! API Gateway to Temporal: verifies the signature, parses the body, records it, and answers.
//!
//! Everything that takes time or can fail is done by Temporal workflows. One [`Router`](axum::Router) is served by
//! `lambda_http` in Lambda, and by hyper elsewhere.

mod answer;
mod config;
mod delivery;
mod extension;
mod journal;
mod lambda;
mod limit;
mod openapi;
mod page;
mod router;
mod secrets;

pub use config::{Config, ConfigError};
pub use lambda::{lambda_service, run_in_lambda};
pub use router::{router, serve};
pub use secrets::SecretSource;
