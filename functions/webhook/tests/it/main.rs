//! The webhook as its senders see it. Temporal cannot be reached in these tests: the whole-system tests cover what
//! needs it. Here, an authentic delivery is ignored with a reason, or answered with 503.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod buffer;
mod forged;
mod function;
mod http;
mod journal;
mod lambda;
mod limits;
mod process;
mod queues;
mod secrets;
mod secrets_manager;

use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chain::signature::{WebhookSecret, WebhookSecrets, sign};
use serde_json::{Value, json};
use settings::Settings;
use temporal_client::{TemporalSettings, clock};
use tower::ServiceExt;
use webhook::{Config, SecretSource, router};

/// Nothing listens on this port.
const NOWHERE: &str = "127.0.0.1:9";
const SECRET: &str = "a secret of the webhook's tests";
const OTHER_SECRET: &str = "another secret than the right one";

fn secret(text: &str) -> WebhookSecret {
    WebhookSecret::parse(text).unwrap()
}

fn config_with(secrets: impl Into<SecretSource>) -> Config {
    let temporal = TemporalSettings::new(NOWHERE, "default").unwrap();
    Config {
        account: Some("acme".parse().unwrap()),
        ..Config::new(secrets, temporal, Settings::default())
    }
}

fn router_with(secrets: impl Into<SecretSource>) -> Router {
    router(config_with(secrets))
}

fn router_here() -> Router {
    router_with(WebhookSecrets::from(secret(SECRET)))
}

/// An authentic delivery that is answered without Temporal: the same text each time.
fn proposed_run() -> String {
    static NOW_S: LazyLock<i64> = LazyLock::new(|| clock::now_ms() / 1000);
    proposed_run_at(*NOW_S)
}

fn proposed_run_at(time_s: i64) -> String {
    json!({
        "account": "acme", "state": "FINISHED", "timestamp": time_s,
        "run": {"id": "01JSPXRQR2F3Y06HD85YYXRSZ7", "branch": "main", "type": "PROPOSED"},
        "stack": {"id": "network", "name": "Network"},
    })
    .to_string()
}

/// Authentic bodies that anyone who saw them may send again.
fn old_bodies() -> [String; 4] {
    const DAY_S: i64 = 24 * 3600;
    let now_s = clock::now_ms() / 1000;
    let old = json!({"event": "triggered", "stack_id": "network", "request_id": "change-42",
        "requested_at": now_s - 600});
    [
        proposed_run_at(now_s - 2 * DAY_S),
        proposed_run_at(now_s - 2 * DAY_S).replace("PROPOSED", "TRACKED"),
        proposed_run_at(now_s + 2 * DAY_S).replace("PROPOSED", "TRACKED"),
        old.to_string(),
    ]
}

/// A request for a run that is not a replay.
fn request_of_now() -> String {
    let requested_at = clock::now_ms() / 1000;
    json!({"event": "triggered", "stack_id": "network", "request_id": "change-42", "requested_at": requested_at,
        "requested_by": "Zoë"})
    .to_string()
}

fn delivery(body: &str, signature: &str) -> Request<Body> {
    Request::post("/webhook")
        .header("content-type", "application/json")
        .header("x-signature-256", signature)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

async fn answer(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// Advances the webhook's clock, not the machine's.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

/// The status of the answer to a delivery that is signed with `text`.
async fn status_of_signed(router: &Router, text: &str) -> u16 {
    let body = proposed_run();
    answer(router, delivery(&body, &sign(body.as_bytes(), &secret(text))))
        .await
        .0
        .as_u16()
}
