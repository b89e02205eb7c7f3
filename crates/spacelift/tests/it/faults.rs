//! What the mock account did when its answer was lost.

use std::num::NonZeroU32;
use std::time::Duration;

use chain::RunState;
use mock_spacelift::{Fault, MockSpacelift, NewStack, Pace, Server};
use secrecy::SecretString;
use spacelift::{Error, ErrorKind, Limits, RunEnd, Settings, Spacelift, TriggerRun};

use crate::server::account;

async fn vpc() -> (MockSpacelift, Server, Spacelift) {
    let (mock, server, client) = account().await;
    mock.pace(Pace::Manual);
    mock.add_stack(NewStack::named("vpc"));
    (mock, server, client)
}

/// The error of a trigger with this fault, and the number of runs afterwards.
async fn trigger(fault: Fault) -> (Error, usize) {
    let (mock, _server, client) = vpc().await;
    mock.fault(fault.on("RunTrigger"));
    let error = client
        .trigger_run(&"vpc".parse().unwrap(), &TriggerRun::default())
        .await
        .unwrap_err();
    (error, mock.runs().len())
}

#[tokio::test]
async fn a_lost_trigger_is_ambiguous_whether_it_happened_or_not() {
    for (fault, runs) in [
        (Fault::reset_before(), 0),
        (Fault::reset_after(), 1),
        (Fault::internal_error(), 0),
        (Fault::internal_error_after(), 1),
        (Fault::truncated(), 1),
    ] {
        let (error, made) = trigger(fault.clone()).await;
        assert!(
            matches!(error.kind, ErrorKind::Ambiguous { .. }),
            "{fault:?}: {error}"
        );
        assert!(!error.is_retryable());
        // At most one: nothing was retried.
        assert_eq!(made, runs, "{fault:?}");
    }
}

#[tokio::test]
async fn a_trigger_over_the_rate_did_not_happen() {
    let (error, made) = trigger(Fault::too_many_requests(Duration::from_secs(3))).await;
    assert_eq!(
        (error.retry_after(), error.is_retryable(), made),
        (Some(Duration::from_secs(3)), true, 0)
    );
}

#[tokio::test]
async fn a_token_that_expires_early_costs_one_login_and_no_second_run() {
    let (mock, _server, client) = vpc().await;
    assert_eq!(client.stacks().await.unwrap().len(), 1);
    mock.fault(Fault::expired_tokens().on("RunTrigger"));
    client
        .trigger_run(&"vpc".parse().unwrap(), &TriggerRun::default())
        .await
        .unwrap();
    assert_eq!(mock.runs().len(), 1);
    assert_eq!(
        mock.requests()
            .iter()
            .filter(|request| request.is("ApiKeyUser"))
            .count(),
        2
    );
}

#[tokio::test]
async fn a_query_that_fails_can_be_made_again() {
    let (mock, _server, client) = vpc().await;
    for fault in [
        Fault::internal_error(),
        Fault::reset_before(),
        Fault::html(),
        Fault::truncated(),
    ] {
        mock.fault(fault.clone().on("SearchStacks"));
        let error = client.stacks().await.unwrap_err();
        assert!(error.is_retryable(), "{fault:?}: {error}");
        assert_eq!(client.stacks().await.unwrap().len(), 1, "{fault:?}");
    }
}

fn with_budget(server: &Server, requests_per_minute: u32) -> Spacelift {
    let settings = Settings {
        base_url: server.url(),
        key_id: mock_spacelift::KEY_ID.to_owned(),
        key_secret: SecretString::from(mock_spacelift::KEY_SECRET),
        limits: Limits {
            requests_per_minute: NonZeroU32::new(requests_per_minute).unwrap(),
            ..Limits::default()
        },
    };
    Spacelift::with_settings(settings).unwrap()
}

#[tokio::test]
async fn a_reserved_trigger_waits_for_nothing() {
    let (mock, server, _) = vpc().await;
    let client = with_budget(&server, 2);
    let stack = "vpc".parse().unwrap();
    // The login and the reservation take the budget.
    let reservation = client.reserve().await.unwrap();
    let another = tokio::time::timeout(Duration::from_millis(300), client.reserve()).await;
    assert!(another.is_err(), "{another:?}");
    client
        .trigger_reserved_run(reservation, &stack, &TriggerRun::default())
        .await
        .unwrap();
    assert_eq!((mock.requests().len(), mock.runs().len()), (2, 1));
}

#[tokio::test]
async fn a_run_is_ended_right_after_the_look_at_it() {
    let (mock, server, _) = vpc().await;
    let client = with_budget(&server, 3);
    let stack = "vpc".parse().unwrap();
    let run = mock.push("vpc");
    // The login, the reservation and the look take the budget.
    let reservation = client.reserve().await.unwrap();
    assert!(client.run(&stack, &run).await.unwrap().is_some());
    let another = tokio::time::timeout(Duration::from_millis(300), client.reserve()).await;
    assert!(another.is_err(), "{another:?}");
    let ended = client
        .end_reserved_run(reservation, &stack, &run, RunEnd::Cancel, None)
        .await;
    assert_eq!(ended.unwrap().state, RunState::Canceled);
}

#[tokio::test]
async fn a_reserved_trigger_is_sent_once_and_the_next_request_has_another_token() {
    let (mock, _server, client) = vpc().await;
    let stack = "vpc".parse().unwrap();
    let reservation = client.reserve().await.unwrap();
    mock.fault(Fault::unauthorized().on("RunTrigger"));
    let error = client
        .trigger_reserved_run(reservation, &stack, &TriggerRun::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(mock.runs().is_empty());
    let reservation = client.reserve().await.unwrap();
    client
        .trigger_reserved_run(reservation, &stack, &TriggerRun::default())
        .await
        .unwrap();
    let requests = mock.requests();
    let logins = requests.iter().filter(|request| request.is("ApiKeyUser"));
    assert_eq!(logins.count(), 2);
}

#[tokio::test]
async fn clones_share_one_request_budget() {
    let (mock, server, _) = vpc().await;
    let client = with_budget(&server, 3);
    let clone = client.clone();
    // The login is the first of the three.
    client.viewer().await.unwrap();
    clone.viewer().await.unwrap();
    let late = tokio::time::timeout(Duration::from_millis(300), client.viewer()).await;
    assert!(late.is_err(), "{late:?}");
    assert_eq!(mock.requests().len(), 3);
}
