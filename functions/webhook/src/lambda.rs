//! The routes as a Lambda function behind API Gateway: HTTP APIs (v2 events) and REST APIs (v1 events).

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use axum::Router;
use axum::http::uri::{PathAndQuery, Uri};
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt, Service};
use tower::ServiceExt;
use tracing::warn;

use crate::config::Config;
use crate::delivery::Receiver;
use crate::extension::ask_for_sigterm;
use crate::router::routes;

/// How long the start waits for Temporal and the secret. Lambda's init phase ends after 10 s, and the function with it.
/// What was not ready in time is retried with the first delivery.
const WARM_UP_TIME_MAX: Duration = Duration::from_secs(6);

/// How long the end may take. Lambda kills a function half a second after SIGTERM.
const FINISH_TIME_MAX: Duration = Duration::from_millis(400);

/// Answers invocations until Lambda ends the process.
pub async fn run_in_lambda(config: Config) -> anyhow::Result<()> {
    let stop = environment::stop_signal()?;
    ask_for_sigterm().await;
    let has_docs = config.has_docs;
    let receiver = Arc::new(Receiver::new(config));
    // Awaited, since the sandbox is frozen as soon as the runtime asks for the next event and there is none.
    if tokio::time::timeout(WARM_UP_TIME_MAX, receiver.warm_up())
        .await
        .is_err()
    {
        warn!(
            "Warm-up took longer than {} s; the first delivery retries",
            WARM_UP_TIME_MAX.as_secs()
        );
    }
    tokio::select! {
        ended = lambda_http::run(lambda_service(routes(Arc::clone(&receiver), has_docs))) => {
            ended.map_err(|error| anyhow!(error))
        }
        () = stop => {
            if tokio::time::timeout(FINISH_TIME_MAX, receiver.finish()).await.is_err() {
                warn!("The last refusals are not in the audit log: it did not answer in time");
            }
            Ok(())
        }
    }
}

/// The routes for requests from API Gateway, whose paths may begin with the name of the stage.
pub fn lambda_service(
    router: Router,
) -> impl Service<Request, Response = axum::response::Response, Error = std::convert::Infallible, Future: Send>
+ Clone {
    router.map_request(without_stage as fn(Request) -> Request)
}

fn without_stage(mut request: Request) -> Request {
    let stage = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.stage.as_deref(),
        Some(RequestContext::ApiGatewayV1(context)) => context.stage.as_deref(),
        _ => None,
    };
    let prefix = format!("/{}/", stage.unwrap_or("$default"));
    let raw_path = request.raw_http_path();
    // A path may itself begin with the stage's name, so the stage is removed once, from the path that API Gateway sent.
    let path = raw_path
        .strip_prefix(&prefix)
        .map_or_else(|| raw_path.to_owned(), |rest| format!("/{rest}"));
    if let Some(uri) = with_path(request.uri(), &path) {
        *request.uri_mut() = uri;
    }
    request
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    if path.is_empty() {
        return None;
    }
    let mut parts = uri.clone().into_parts();
    let whole = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    parts.path_and_query = Some(PathAndQuery::try_from(whole).ok()?);
    Uri::from_parts(parts).ok()
}
