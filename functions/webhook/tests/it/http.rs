//! The answers to every path and method.

use axum::body::Body;
use axum::http::{Request, header};
use chain::signature::{WebhookSecrets, sign};
use serde_json::{Value, json};
use temporal_client::clock;
use tower::ServiceExt;

use webhook::{Config, router};

use crate::{SECRET, answer, config_with, delivery, proposed_run, request_of_now, router_here, secret};

#[tokio::test]
async fn every_refusal_is_json_with_a_reason() {
    let router = router_here();
    let json_body = |body: Vec<u8>| {
        Request::post("/webhook")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap()
    };
    let empty = |method: &str, path: &str| {
        Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap()
    };
    for (request, status, word) in [
        (empty("POST", "/elsewhere"), 404, "/webhook"),
        (empty("GET", "/"), 404, "/webhook"),
        (empty("GET", "/webhook"), 405, "method"),
        (empty("GET", "/docs"), 404, "/webhook"),
        (empty("GET", "/openapi.json"), 404, "/webhook"),
        (json_body(vec![b' '; 1024 * 1024 + 1]), 413, "1048576"),
        (empty("POST", "/webhook"), 415, "application/json"),
        (json_body(b"{}".to_vec()), 401, "signature"),
    ] {
        let what = format!("{} {}", request.method(), request.uri());
        let (answered, body) = answer(&router, request).await;
        assert_eq!(answered, status, "{what}");
        assert!(
            body["error"].as_str().is_some_and(|error| error.contains(word)),
            "{what}: {body}"
        );
    }
}

#[tokio::test]
async fn a_wrong_method_is_answered_with_the_allowed_ones() {
    let request = Request::get("/webhook").body(Body::empty()).unwrap();
    let response = router_here().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::ALLOW], "POST");
}

#[tokio::test]
async fn an_unreadable_body_is_answered_with_the_field() {
    let body = proposed_run().replace("\"01JSPXRQR2F3Y06HD85YYXRSZ7\"", "5");
    let signature = sign(body.as_bytes(), &secret(SECRET));
    let (status, said) = answer(&router_here(), delivery(&body, &signature)).await;
    assert_eq!(
        (status.as_u16(), &said["field"]),
        (422, &json!("run.id")),
        "{said}"
    );
}

#[tokio::test]
async fn without_temporal_the_sender_has_to_retry() {
    let body = request_of_now();
    let request = delivery(&body, &sign(body.as_bytes(), &secret(SECRET)));
    let response = router_here().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()[header::RETRY_AFTER], "30");
}

#[tokio::test]
async fn the_api_description_and_its_page_load_nothing_external() {
    let router = router(Config {
        has_docs: true,
        ..config_with(WebhookSecrets::from(secret(SECRET)))
    });
    let (status, api) = answer(
        &router,
        Request::get("/openapi.json").body(Body::empty()).unwrap(),
    )
    .await;
    assert_eq!(status, 200);
    for (path, methods) in api["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let request = Request::builder()
                .method(method.to_uppercase().as_str())
                .uri(path)
                .body(Body::empty())
                .unwrap();
            let status = answer(&router, request).await.0;
            assert!(
                ![404, 405].contains(&status.as_u16()),
                "{method} {path} is described and not there"
            );
        }
    }
    let page = router
        .oneshot(Request::get("/docs").body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(page.status(), 200);
    assert!(
        page.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .starts_with("default-src 'none'")
    );
    let html = axum::body::to_bytes(page.into_body(), usize::MAX).await.unwrap();
    let html = String::from_utf8(html.to_vec()).unwrap();
    for loads in ["src=", "<link", "@import", "url("] {
        assert!(!html.contains(loads), "the page loads something by `{loads}`");
    }
}

/// Whoever saw a request can send it again.
#[tokio::test]
async fn a_request_that_could_be_a_replay_is_refused_with_the_field() {
    let now_s = clock::now_ms() / 1000;
    let request = json!({"event": "triggered", "stack_id": "network"});
    for (more, field) in [
        (json!({"requested_at": now_s}), "request_id"),
        (json!({"request_id": "a"}), "requested_at"),
        (
            json!({"request_id": "a", "requested_at": now_s - 400}),
            "requested_at",
        ),
        (
            json!({"request_id": "a", "requested_at": now_s + 400}),
            "requested_at",
        ),
    ] {
        let mut body = request.clone();
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let body = body.to_string();
        let (status, said) = answer(
            &router_here(),
            delivery(&body, &sign(body.as_bytes(), &secret(SECRET))),
        )
        .await;
        assert_eq!((status.as_u16(), &said["field"]), (422, &json!(field)), "{said}");
    }
}

#[tokio::test]
async fn a_delivery_that_changes_nothing_is_ignored_with_a_reason() {
    let planning = proposed_run()
        .replace("PROPOSED", "TRACKED")
        .replace("FINISHED", "PLANNING")
        .replace("1745600100", &(clock::now_ms() / 1000).to_string());
    for (body, reason) in [(proposed_run(), "run_type"), (planning, "progress")] {
        let signature = sign(body.as_bytes(), &secret(SECRET));
        let (status, said) = answer(&router_here(), delivery(&body, &signature)).await;
        assert_eq!(status, 200);
        assert_eq!(
            (&said["result"], &said["reason"]),
            (&Value::from("ignored"), &Value::from(reason))
        );
    }
}
