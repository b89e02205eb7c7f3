//! API Gateway to Temporal: proves who speaks, reads what was said, records it, and answers.
//!
//! Everything that takes time or can fail lives behind Temporal. One [`Router`](axum::Router) is served by
//! `lambda_http` in Lambda, and by hyper anywhere else.

mod answer;
mod config;
mod delivery;
mod journal;
mod lambda;
mod openapi;
mod page;
mod router;
mod secrets;

pub use config::{Config, ConfigError};
pub use lambda::{lambda_service, run_in_lambda};
pub use router::{router, serve};
pub use secrets::SecretSource;
