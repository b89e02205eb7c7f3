//! The routes, and the server for everywhere but Lambda.

use std::future::Future;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use chain::event::MAX_BODY_BYTES;
use tokio::net::TcpListener;
use tracing::info;

use crate::answer::Answer;
use crate::config::Config;
use crate::delivery::{Receiver, receive};
use crate::{openapi, page};

/// Everything that the webhook answers. Connecting begins at once, in the background.
pub fn router(config: Config) -> Router {
    let receiver = Arc::new(Receiver::new(config));
    let warm = Arc::clone(&receiver);
    tokio::spawn(async move { warm.warm_up().await });
    routes(receiver)
}

pub(crate) fn routes(receiver: Arc<Receiver>) -> Router {
    Router::new()
        .route("/webhook", post(receive))
        .route("/health", get(health))
        .route("/openapi.json", get(openapi::document))
        .route("/docs", get(page::page))
        .fallback(|| async { Answer::NotFound })
        .method_not_allowed_fallback(|| async { Answer::OtherMethod })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(receiver)
}

/// Answers load balancers.
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "operation", responses(
    (status = 200, description = "The process answers. It says nothing about Temporal.", body = String)
))]
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// Serves the routes on a socket until `stop` completes.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    if let Ok(address) = listener.local_addr() {
        info!(listen.address = %address, "Listening on http://{address}");
    }
    axum::serve(listener, router)
        .with_graceful_shutdown(stop)
        .await
        .context("the webhook's server ended")
}
