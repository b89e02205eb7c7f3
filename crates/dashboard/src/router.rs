//! The routes, and the server.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::REFRESH;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::access::{Door, guard};
use crate::assets::asset;
use crate::config::Config;
use crate::lazy_pages::LazyPages;
use crate::login::{self, Login};
use crate::page::{self, Dashboard, PageError};

/// Lambda's limit in the template is 29 s, and the guard before this may have to read a secret.
const DEADLINE: Duration = Duration::from_secs(22);

/// Forms have a token, a reason and a few patterns.
const MAX_FORM_BYTES: usize = 16_384;

/// Everything that the dashboard answers, but for the check of who asks.
fn routes(dashboard: Arc<Dashboard>) -> Router {
    Router::new()
        .route("/", get(page::chains::page))
        .route("/chains/{chain}", get(page::chain::page))
        .route(
            "/chains/{chain}/retry",
            get(page::retry::ask).post(page::retry::act),
        )
        .route(
            "/chains/{chain}/{action}",
            get(page::control::ask).post(page::control::act),
        )
        .route("/waiting", get(page::waiting::page))
        .route("/stacks/{account}/{stack}", get(page::stack::page))
        .route(
            "/stacks/{account}/{stack}/{action}",
            get(page::stack_action::ask).post(page::stack_action::act),
        )
        .route(
            "/stacks/{account}/{stack}/runs/{run}/{action}",
            get(page::stack_action::ask_run).post(page::stack_action::act_on_run),
        )
        .route("/graph", get(page::graph::page))
        // `/health` is the health check of the webhook, which may have the same host.
        .route("/status", get(page::health::page))
        .route("/halt", get(page::halt::ask).post(page::halt::act))
        .route("/go", get(page::halt::ask).post(page::halt::act))
        .route("/freeze", get(page::freeze::ask).post(page::freeze::act))
        .route("/thaw", get(page::freeze::ask_thaw).post(page::freeze::thaw))
        .route("/assets/{name}", get(asset))
        .fallback(page::not_found)
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .with_state(dashboard)
}

/// Answers before Lambda ends the function and API Gateway the request: then nobody would say what may have been done.
async fn within_deadline(request: Request, next: Next) -> Response {
    match tokio::time::timeout(DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => PageError::TookTooLong.into_response(),
    }
}

/// The browser loads a page again that could not be shown because Temporal or Spacelift did not answer.
async fn load_again(request: Request, next: Next) -> Response {
    let may_repeat = request.method() == Method::GET;
    let mut response = next.run(request).await;
    if may_repeat && response.status() == StatusCode::BAD_GATEWAY {
        response
            .headers_mut()
            .insert(REFRESH, HeaderValue::from_static("10"));
    }
    response
}

/// The dashboard of one person, as it answers at a loopback address.
pub fn router(config: Config, person: String, listener: &TcpListener) -> anyhow::Result<Router> {
    let address = listener.local_addr()?;
    anyhow::ensure!(
        address.ip().is_loopback(),
        "this dashboard has no login, so it listens only at a loopback address such as 127.0.0.1, not at {address}"
    );
    let door = Door::at(address, person)?;
    Ok(routes(Arc::new(Dashboard::new(config)))
        .layer(from_fn(load_again))
        .layer(from_fn_with_state(door, guard)))
}

/// The dashboard for those who sign in. `open` connects to Temporal and Spacelift: at the first page, and again at a
/// later one if that failed.
pub fn router_with_login<Open, Opening>(login: Login, open: Open) -> Router
where
    Open: Fn() -> Opening + Send + Sync + 'static,
    Opening: Future<Output = anyhow::Result<Config>> + Send + 'static,
{
    let pages = Arc::new(LazyPages::new(move || {
        let opening = open();
        Box::pin(async move { Ok(routes(Arc::new(Dashboard::new(opening.await?)))) })
    }));
    let login = Arc::new(login);
    Router::new()
        .fallback(move |request: Request| {
            let pages = Arc::clone(&pages);
            async move { pages.answer(request).await }
        })
        .layer(from_fn(within_deadline))
        .layer(from_fn(load_again))
        .layer(from_fn_with_state(Arc::clone(&login), login::guard))
        .route("/login", get(login::begin))
        .route("/login/callback", get(login::end))
        .route("/logout", post(login::sign_out))
        .route("/assets/{name}", get(asset))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(map_response(login::with_headers))
        .with_state(login)
}

/// Serves the dashboard until `stop` completes.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send + 'static) {
    http_server::serve(listener, router, http_server::Limits::default(), stop).await;
}
