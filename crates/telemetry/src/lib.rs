//! How the deployed programs tell of themselves: JSON logs, and metrics that CloudWatch reads out of them.

mod emf;

pub use emf::{Line, Namespace, Unit};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// JSON lines on standard output, as much as `RUST_LOG` says (`warn,webhook=debug`): `info` where it is not set or
/// cannot be read.
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
