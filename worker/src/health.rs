//! `GET /health`, for the container's health check: 200 once the worker polls, 503 until then.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

/// Whether the worker polls for work.
#[derive(Debug, Clone, Default)]
pub(crate) struct Health(Arc<AtomicBool>);

impl Health {
    pub(crate) fn set_polling(&self, polling: bool) {
        self.0.store(polling, Ordering::Relaxed);
    }

    fn answer(&self) -> (StatusCode, &'static str) {
        if self.0.load(Ordering::Relaxed) {
            (StatusCode::OK, "polling\n")
        } else {
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "not polling: Temporal does not answer yet, or the worker is stopping\n",
            )
        }
    }

    /// Answers until the task is aborted.
    pub(crate) async fn serve(self, address: SocketAddr) -> anyhow::Result<()> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!(
                "cannot listen on {address} for health checks (--health-address, SPILLWAY_HEALTH_ADDRESS)"
            )
        })?;
        let router = Router::new().route("/health", get(move || async move { self.answer() }));
        axum::serve(listener, router)
            .await
            .context("the health endpoint ended")
    }
}
