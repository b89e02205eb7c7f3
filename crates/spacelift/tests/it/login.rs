//! One token is shared by all clones and renewed once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use spacelift::{ErrorKind, TriggerRun};
use wiremock::MockServer;
use wiremock::matchers::header;

use crate::server::{client, data, logins, operation, refusal, run, stack, start};

#[tokio::test]
async fn fifty_callers_log_in_once() {
    let server = MockServer::start().await;
    let logins = logins(&server, Duration::from_hours(1), Duration::from_millis(100)).await;
    operation("Stack")
        .and(header("authorization", "Bearer jwt-1"))
        .respond_with(data(&json!({"stack": stack("vpc")})))
        .expect(50)
        .mount(&server)
        .await;

    let client = client(&server.uri());
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.stack(&"vpc".parse().unwrap()).await })
        })
        .collect();
    for caller in callers {
        assert!(caller.await.unwrap().unwrap().is_some());
    }
    assert_eq!(logins.count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_token_that_cannot_be_sent_is_discarded() {
    let server = MockServer::start().await;
    operation("ApiKeyUser")
        .respond_with(data(
            &json!({"apiKeyUser": {"jwt": "a\nb", "validUntil": 4_000_000_000_u64}}),
        ))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    logins(&server, Duration::from_hours(1), Duration::ZERO).await;
    operation("Stack")
        .respond_with(data(&json!({"stack": null})))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let error = client.stack(&"vpc".parse().unwrap()).await.unwrap_err();
    assert_eq!(
        (error.operation.as_str(), error.kind),
        ("ApiKeyUser", ErrorKind::BadToken)
    );
    assert_eq!(client.stack(&"vpc".parse().unwrap()).await, Ok(None));
}

#[tokio::test]
async fn fifty_callers_with_a_refused_token_renew_it_once() {
    let (server, logins) = start().await;
    operation("Stack")
        .and(header("authorization", "Bearer jwt-1"))
        .respond_with(refusal("unauthorized").set_delay(Duration::from_millis(50)))
        .mount(&server)
        .await;
    operation("Stack")
        .and(header("authorization", "Bearer jwt-2"))
        .respond_with(data(&json!({"stack": null})))
        .expect(50)
        .mount(&server)
        .await;

    let client = client(&server.uri());
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.stack(&"vpc".parse().unwrap()).await })
        })
        .collect();
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Ok(None));
    }
    assert_eq!(logins.count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_second_unauthorized_answer_is_final() {
    let (server, logins) = start().await;
    operation("RunTrigger")
        .respond_with(refusal("unauthorized"))
        .expect(2)
        .mount(&server)
        .await;

    let error = client(&server.uri())
        .trigger_run(&"vpc".parse().unwrap(), &TriggerRun::default())
        .await
        .unwrap_err();
    assert_eq!(
        (error.operation.as_str(), &error.kind),
        ("RunTrigger", &ErrorKind::Unauthorized)
    );
    assert!(!error.is_retryable());
    assert_eq!(logins.count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_mutation_refused_for_its_token_happens_once_with_the_next() {
    let (server, _) = start().await;
    operation("RunTrigger")
        .and(header("authorization", "Bearer jwt-1"))
        .respond_with(refusal("unauthorized"))
        .expect(1)
        .mount(&server)
        .await;
    operation("RunTrigger")
        .and(header("authorization", "Bearer jwt-2"))
        .respond_with(data(&json!({"runTrigger": run("01R")})))
        .expect(1)
        .mount(&server)
        .await;

    let run = client(&server.uri())
        .trigger_run(&"vpc".parse().unwrap(), &TriggerRun::default())
        .await
        .unwrap();
    assert_eq!(run.id.as_str(), "01R");
}

#[tokio::test]
async fn a_search_that_answers_null_is_not_an_empty_account() {
    let (server, _) = start().await;
    operation("SearchStacks")
        .respond_with(data(&json!({"searchStacks": null})))
        .expect(2)
        .mount(&server)
        .await;
    assert_eq!(
        client(&server.uri()).stacks().await.unwrap_err().kind,
        ErrorKind::Unauthorized
    );
}

#[tokio::test]
async fn a_wrong_key_is_an_error_of_the_login() {
    let server = MockServer::start().await;
    operation("ApiKeyUser")
        .respond_with(data(&json!({"apiKeyUser": null})))
        .expect(1)
        .mount(&server)
        .await;
    let error = client(&server.uri()).stacks().await.unwrap_err();
    assert_eq!(
        (error.operation.as_str(), error.kind),
        ("ApiKeyUser", ErrorKind::Unauthorized)
    );
}

#[tokio::test]
async fn requests_that_wait_for_a_login_share_its_failure() {
    let server = MockServer::start().await;
    operation("ApiKeyUser")
        .respond_with(wiremock::ResponseTemplate::new(503).set_delay(Duration::from_millis(300)))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                client
                    .trigger_run(&"vpc".parse().unwrap(), &TriggerRun::default())
                    .await
            })
        })
        .collect();
    for caller in callers {
        let error = caller.await.unwrap().unwrap_err();
        // The trigger itself was never sent, so it is not ambiguous.
        assert!(matches!(error.kind, ErrorKind::Unreachable { .. }), "{error}");
        assert!(error.is_retryable());
    }
}
