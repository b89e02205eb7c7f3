//! What every path and method answers.

use axum::body::Body;
use axum::http::{Request, header};
use chain::signature::sign;
use orchestrator::clock;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::{SECRET, answer, delivery, proposed_run, router_here, secret};

#[tokio::test]
async fn every_refusal_is_json_that_says_why() {
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
        (empty("DELETE", "/docs"), 405, "method"),
        (json_body(vec![b' '; 1024 * 1024 + 1]), 413, "1048576"),
        (empty("POST", "/webhook"), 415, "application/json"),
        (json_body(b"{}".to_vec()), 401, "signed"),
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
async fn a_method_that_is_not_there_is_answered_with_those_that_are() {
    let request = Request::get("/webhook").body(Body::empty()).unwrap();
    let response = router_here().oneshot(request).await.unwrap();
    assert_eq!(response.headers()[header::ALLOW], "POST");
}

#[tokio::test]
async fn what_is_unreadable_is_answered_with_the_field() {
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
async fn while_temporal_is_away_the_sender_is_asked_to_come_again() {
    let body = json!({"event": "triggered", "stack_id": "network"}).to_string();
    let request = delivery(&body, &sign(body.as_bytes(), &secret(SECRET)));
    let response = router_here().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()[header::RETRY_AFTER], "30");
}

#[tokio::test]
async fn the_description_and_its_page_need_nothing_from_elsewhere() {
    let router = router_here();
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
