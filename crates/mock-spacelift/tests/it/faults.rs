//! Faults on request.

use std::time::{Duration, Instant};

use mock_spacelift::{Fault, MockSpacelift, NewStack, Server};
use serde_json::json;

use crate::client::Api;
use crate::{serve, still_account};

const TRIGGER: &str = "mutation T { runTrigger(stack: \"db\") { id } }";
const READ: &str = "query R { stacks { id } }";

async fn account() -> (MockSpacelift, Server, Api) {
    let mock = still_account();
    mock.add_stack(NewStack::named("db"));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    (mock, server, api)
}

#[tokio::test]
async fn a_status_fault_affects_the_named_operation_as_often_as_requested() {
    let (mock, _server, api) = account().await;
    mock.fault(
        Fault::too_many_requests(Duration::from_secs(7))
            .on("runTrigger")
            .after(1)
            .times(2),
    );
    let mut answers = Vec::new();
    for _ in 0..4 {
        api.data(READ, json!({})).await;
        let response = api.request(TRIGGER, &json!({})).send().await.unwrap();
        let retry_after = response
            .headers()
            .get("retry-after")
            .map(|value| value.to_str().unwrap().to_owned());
        answers.push((response.status().as_u16(), retry_after));
    }
    let limited = (429, Some("7".to_owned()));
    assert_eq!(answers, [(200, None), limited.clone(), limited, (200, None)]);
    assert_eq!(mock.runs().len(), 2, "nothing is done when a status strikes");
    let statuses: Vec<_> = mock
        .requests()
        .iter()
        .filter(|one| one.is("T"))
        .map(|one| one.status.unwrap())
        .collect();
    assert_eq!(statuses, [200, 429, 429, 200]);
}

#[tokio::test]
async fn a_reset_before_does_nothing_and_a_reset_after_has_done_it() {
    let (mock, _server, api) = account().await;
    mock.fault(Fault::reset_before());
    let error = api.request(TRIGGER, &json!({})).send().await.unwrap_err();
    assert!(!error.is_timeout());
    assert_eq!(mock.runs().len(), 0);
    mock.fault(Fault::reset_after());
    api.request(TRIGGER, &json!({})).send().await.unwrap_err();
    assert_eq!(mock.runs().len(), 1);
    assert_eq!(
        mock.requests()
            .iter()
            .filter(|one| one.is("T") && one.status.is_none())
            .count(),
        2
    );
    api.data(TRIGGER, json!({})).await;
    assert_eq!(mock.runs().len(), 2);
}

#[tokio::test]
async fn a_server_error_can_come_before_or_after_the_effect() {
    let (mock, _server, api) = account().await;
    mock.fault(Fault::internal_error());
    mock.fault(Fault::internal_error_after());
    for runs in [0, 1] {
        let response = api.request(TRIGGER, &json!({})).send().await.unwrap();
        assert_eq!(response.status(), 500);
        assert_eq!(mock.runs().len(), runs);
    }
}

#[tokio::test]
async fn answers_may_be_html_truncated_or_slow() {
    let (mock, _server, api) = account().await;
    mock.fault(Fault::html());
    let html = api.request(READ, &json!({})).send().await.unwrap();
    assert!(
        html.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    mock.fault(Fault::truncated());
    let half = api
        .request(READ, &json!({}))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        serde_json::from_str::<serde_json::Value>(&half)
            .unwrap_err()
            .is_eof(),
        "{half}"
    );
    mock.fault(Fault::slow(Duration::from_millis(150)));
    let started = Instant::now();
    api.data(READ, json!({})).await;
    assert!(started.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn expired_tokens_are_refused_until_the_next_login() {
    let (mock, _server, mut api) = account().await;
    mock.fault(Fault::expired_tokens().on("R"));
    assert_eq!(api.error(READ, json!({})).await, "unauthorized");
    assert_eq!(api.error(TRIGGER, json!({})).await, "unauthorized");
    api.log_in().await;
    api.data(TRIGGER, json!({})).await;
    assert_eq!(mock.runs().len(), 1);
}

#[tokio::test]
async fn faults_continue_until_they_are_cleared() {
    let (mock, _server, api) = account().await;
    mock.fault(Fault::status(502).always());
    for _ in 0..5 {
        assert_eq!(api.request(READ, &json!({})).send().await.unwrap().status(), 502);
    }
    mock.clear_faults();
    api.data(READ, json!({})).await;
}

#[tokio::test]
async fn the_account_outlives_its_server() {
    let (mock, server, api) = account().await;
    api.data(TRIGGER, json!({})).await;
    let address = server.address();
    server.shutdown().await;
    api.request(READ, &json!({})).send().await.unwrap_err();
    let _again = mock.serve(address).await.unwrap();
    // The token was issued by the account and is still valid.
    api.data(READ, json!({})).await;
    assert_eq!(mock.runs().len(), 1);
}
