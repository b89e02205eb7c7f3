//! Telemetry of the deployed programs: JSON logs, and metrics that CloudWatch extracts from them.

mod emf;

pub use emf::{Line, Namespace, Unit};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Logs JSON lines to standard output at the level of `RUST_LOG` (`warn,webhook=debug`), or at `info` if that is not
/// set or invalid.
pub fn log_json() {
    let wanted = std::env::var("RUST_LOG")
        .ok()
        .and_then(|wanted| wanted.parse().ok());
    let lines = tracing_subscriber::fmt::layer().json().with_span_list(false);
    tracing_subscriber::registry()
        .with(lines)
        .with(wanted.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO)))
        .init();
}
