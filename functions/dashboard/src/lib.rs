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
use dashboard::AuditFailed;
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

/// Counts the pages that could not be shown, which API Gateway counts with the failures of the webhook, and the actions that
/// are missing in the audit log.
async fn count(State(metrics): State<Arc<Namespace>>, response: Response) -> Response {
    for line in lines(&response) {
        metrics.emit(line);
    }
    response
}

fn lines(response: &Response) -> Vec<Line> {
    let mut lines = Vec::new();
    if response.extensions().get::<AuditFailed>().is_some() {
        lines.push(Line::default().metric("AuditFailures", Unit::Count, 1));
    }
    if response.status().is_server_error() {
        lines.push(Line::default().metric("DashboardFailures", Unit::Count, 1));
    }
    lines
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn failures_and_missing_records_are_counted() {
        let response = |status: u16| Response::builder().status(status).body(Body::empty()).unwrap();
        assert_eq!(lines(&response(200)).len(), 0);
        assert_eq!(lines(&response(404)).len(), 0);
        assert_eq!(lines(&response(500)).len(), 1);
        let mut unrecorded = response(303);
        unrecorded.extensions_mut().insert(AuditFailed);
        assert_eq!(lines(&unrecorded).len(), 1);
    }
}
