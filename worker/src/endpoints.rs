//! `GET /health`, for the container's health check: 200 once the worker polls, 503 until then. `GET /metrics`, for
//! Prometheus.

use std::net::{Ipv4Addr, SocketAddr};
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
}

/// The socket of the endpoints. It is bound before anything else starts.
pub(crate) async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address} for health checks (--health-address, SPILLWAY_HEALTH_ADDRESS)")
    })
}

/// Serves the endpoints for as long as the process lives. The SDK serves the metrics at another socket, which is read
/// here.
pub(crate) async fn serve(listener: TcpListener, health: Health, metrics: SocketAddr) {
    let router = Router::new()
        .route("/health", get(move || async move { health.answer() }))
        .route("/metrics", get(move || read(metrics)));
    http_server::serve(
        listener,
        router,
        http_server::Limits::default(),
        std::future::pending(),
    )
    .await;
}

/// Whether the worker with this health address polls for work.
pub async fn check_health(mut address: SocketAddr) -> anyhow::Result<()> {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    reqwest::get(format!("http://{address}/health"))
        .await?
        .error_for_status()?;
    Ok(())
}

/// The registry in Prometheus' text format.
pub(crate) async fn registry(metrics: SocketAddr) -> reqwest::Result<String> {
    reqwest::get(format!("http://{metrics}/metrics"))
        .await?
        .error_for_status()?
        .text()
        .await
}

async fn read(metrics: SocketAddr) -> (StatusCode, String) {
    match registry(metrics).await {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}
