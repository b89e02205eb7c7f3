//! The dashboard behind API Gateway, for people who sign in.
//!
//! The pages are those of `crates/dashboard`. Here are only the settings, and how Temporal and Spacelift are reached.

mod config;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::middleware::map_response_with_state;
use axum::response::Response;
use dashboard::login::Login;
use telemetry::{Line, Namespace, Unit};
use tracing::warn;

pub use config::{Config, ConfigError};

/// How long the start waits for the identity provider and for the secrets. Lambda's init phase ends after 10 s, and the
/// function with it. What was not ready in time is retried with the first page.
const WARM_UP_TIME_MAX: Duration = Duration::from_secs(6);

/// The dashboard, once it is ready, or as ready as it can be.
pub async fn router(config: Config) -> anyhow::Result<Router> {
    let login = Login::new(config.login)?;
    // Awaited, since the sandbox is frozen as soon as the runtime asks for the next event and there is none.
    if tokio::time::timeout(WARM_UP_TIME_MAX, login.warm_up())
        .await
        .is_err()
    {
        warn!(
            "Warm-up took longer than {} s; the first page retries",
            WARM_UP_TIME_MAX.as_secs()
        );
    }
    let systems = Arc::new(config.systems);
    let pages = dashboard::router_with_login(login, move || {
        let systems = Arc::clone(&systems);
        async move { Box::pin(systems.connect()).await }
    });
    Ok(pages.layer(map_response_with_state(Arc::new(config.metrics), count)))
}

/// Counts the pages that could not be shown. API Gateway counts them with the failures of the webhook.
async fn count(State(metrics): State<Arc<Namespace>>, response: Response) -> Response {
    if response.status().is_server_error() {
        metrics.emit(Line::default().metric("DashboardFailures", Unit::Count, 1));
    }
    response
}
