//! The routes, and the server.

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::REFRESH;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_response};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::access::{Door, guard};
use crate::assets::asset;
use crate::config::Config;
use crate::deadline::within_deadline;
use crate::lazy_pages::LazyPages;
use crate::login::{self, Login};
use crate::page::{self, Dashboard};

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
            get(page::run_action::ask).post(page::run_action::act),
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
    // Without a guard in front of them: strangers must not hold their connections open.
    let sign_in = Router::new()
        .route("/login", get(login::begin))
        .route("/login/callback", get(login::end))
        .route("/logout", post(login::sign_out))
        .layer(from_fn(within_deadline));
    Router::new()
        .fallback(move |request: Request| {
            let pages = Arc::clone(&pages);
            async move { pages.answer(request).await }
        })
        .layer(from_fn(within_deadline))
        .layer(from_fn(load_again))
        .layer(from_fn_with_state(Arc::clone(&login), login::guard))
        .merge(sign_in)
        .route("/assets/{name}", get(asset))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(map_response(login::with_headers))
        .with_state(login)
}

/// Serves the dashboard until `stop` completes.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()> + Send + 'static) {
    http_server::serve(listener, router, http_server::Limits::default(), stop).await;
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, Bytes};
    use axum::http::header::CONTENT_TYPE;
    use futures::stream;
    use tokio::time::Instant;
    use tower::ServiceExt;

    use super::*;
    use crate::deadline::DEADLINE;
    use crate::login::Settings;

    fn login() -> Login {
        let variables = [
            ("SPILLWAY_DASHBOARD_URL", "https://spillway.example.com"),
            ("SPILLWAY_DASHBOARD_ISSUER", "https://login.example.com"),
            ("SPILLWAY_DASHBOARD_CLIENT_ID", "spillway"),
            ("SPILLWAY_DASHBOARD_OPERATORS", "platform"),
            (
                "SPILLWAY_DASHBOARD_KEY",
                "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            ),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Login::new(Settings::from_variables(&variables.into()).unwrap()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_not_waited_for() {
        // An error means that a provider is installed already, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let router = router_with_login(login(), async || anyhow::bail!("not needed here"));
        let endless = stream::pending::<Result<Bytes, std::io::Error>>();
        let request = Request::post("/logout").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = request.body(Body::from_stream(endless)).unwrap();
        let began = Instant::now();
        let answered = tokio::time::timeout(2 * DEADLINE, router.oneshot(request)).await;
        assert_eq!(answered.unwrap().unwrap().status(), StatusCode::BAD_GATEWAY);
        assert_eq!(began.elapsed().as_secs(), DEADLINE.as_secs());
    }
}
