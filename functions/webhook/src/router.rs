//! The routes, and the HTTP server outside of Lambda.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use chain::event::MAX_BODY_BYTES;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::answer::Answer;
use crate::config::Config;
use crate::delivery::{Receiver, receive};
use crate::limit::{Limits, limit};
use crate::{openapi, page};

/// How long open requests may take after the stop signal. Docker kills a container after ten seconds.
const STOP_TIME_MAX: Duration = Duration::from_secs(8);

/// All routes of the webhook, with rate limits. Starts to connect in the background.
pub fn router(config: Config) -> Router {
    limited(config).1
}

fn limited(config: Config) -> (Arc<Receiver>, Router) {
    let limits = Arc::new(Limits::new(config.is_behind_proxy));
    let has_docs = config.has_docs;
    let receiver = Arc::new(Receiver::new(config));
    let warm = Arc::clone(&receiver);
    tokio::spawn(async move { warm.warm_up().await });
    let router = routes(Arc::clone(&receiver), has_docs).layer(from_fn_with_state(limits, limit));
    (receiver, router)
}

pub(crate) fn routes(receiver: Arc<Receiver>, has_docs: bool) -> Router {
    let mut router = Router::new()
        .route("/webhook", post(receive))
        .route("/health", get(health));
    if has_docs {
        router = router
            .route("/openapi.json", get(openapi::document))
            .route("/docs", get(page::page));
    }
    router
        .fallback(|| async { Answer::NotFound })
        .method_not_allowed_fallback(|| async { Answer::OtherMethod })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(receiver)
}

/// The health check for load balancers.
#[utoipa::path(get, path = "/health", operation_id = "health", tag = "operation", responses(
    (status = 200, description = "The process answers. It says nothing about Temporal.", body = String)
))]
pub(crate) async fn health() -> &'static str {
    "ok\n"
}

/// Serves the routes on a socket until `stop` completes, and then ends with everything written.
pub async fn serve(listener: TcpListener, config: Config, stop: impl Future<Output = ()> + Send + 'static) {
    if let Ok(address) = listener.local_addr() {
        info!(listen.address = %address, "Listening on http://{address}");
    }
    let (receiver, router) = limited(config);
    let stopping = Arc::new(Notify::new());
    let stop_server = {
        let stopping = Arc::clone(&stopping);
        async move {
            stop.await;
            stopping.notify_one();
        }
    };
    let served = http_server::serve(listener, router, http_server::Limits::default(), stop_server);
    let late = async {
        stopping.notified().await;
        tokio::time::sleep(STOP_TIME_MAX).await;
    };
    tokio::select! {
        () = served => {}
        () = late => warn!("Some requests were still open after {} s and are dropped", STOP_TIME_MAX.as_secs()),
        never = receiver.write_on_schedule() => match never {},
    }
    receiver.finish().await;
}
