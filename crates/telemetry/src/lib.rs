//! How the deployed programs tell of themselves: JSON logs, and metrics that CloudWatch reads out of them.

mod emf;

pub use emf::{Line, Namespace, Unit};

use tracing_subscriber::EnvFilter;

/// JSON lines on standard output, as much as `RUST_LOG` says: `info` where it is not set.
pub fn log_json() {
    tracing_subscriber::fmt()
        .json()
        .with_span_list(false)
        .with_env_filter(EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")))
        .init();
}
