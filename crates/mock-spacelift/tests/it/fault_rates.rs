//! Random faults, and those that a test adds one by one: errors inside a 200, 401, 403.

use mock_spacelift::{DeliveryOutcome, Fault, FaultRate, MockSpacelift, NewStack, NewWebhook, Server};
use mock_spacelift::{WebhookFault, WebhookFaultRate};
use serde_json::json;

use crate::client::Api;
use crate::receiver::Receiver;
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

/// The indexes of the requests that failed.
async fn bad_answers(api: &Api, document: &str, count: usize) -> Vec<usize> {
    let mut bad = Vec::new();
    for number in 1..=count {
        let is_good = match api.request(document, &json!({})).send().await {
            Ok(response) if response.status() == 200 => {
                let body = response.text().await.unwrap();
                serde_json::from_str(&body).is_ok_and(|body: serde_json::Value| body.get("errors").is_none())
            }
            _ => false,
        };
        if !is_good {
            bad.push(number);
        }
    }
    bad
}

#[tokio::test]
async fn an_error_inside_a_200_occurs_before_or_after_the_effect() {
    let (mock, _server, api) = account().await;
    mock.fault(Fault::graphql_error("unauthorized").on("runTrigger"));
    mock.fault(Fault::graphql_error_after("internal error").on("T"));
    for (message, runs) in [("unauthorized", 0), ("internal error", 1)] {
        api.data(READ, json!({})).await;
        let answer = api.answer(TRIGGER, json!({})).await;
        let expected = json!({ "data": null, "errors": [{ "message": message, "path": ["runTrigger"] }] });
        assert_eq!(answer, expected);
        assert_eq!(mock.runs().len(), runs);
    }
    let errors: Vec<_> = mock
        .requests()
        .into_iter()
        .filter_map(|request| request.error)
        .collect();
    assert_eq!(errors, ["unauthorized", "internal error"]);
}

#[tokio::test]
async fn a_401_and_a_403_affect_only_their_operation() {
    let (mock, _server, api) = account().await;
    mock.fault(Fault::unauthorized().on("R"));
    mock.fault(Fault::forbidden().on("stacks"));
    for status in [401, 403, 200] {
        assert_eq!(
            api.request(READ, &json!({})).send().await.unwrap().status(),
            status
        );
    }
}

#[tokio::test]
async fn each_third_answer_is_bad_until_that_is_switched_off() {
    let (mock, _server, api) = account().await;
    let kinds = [Fault::status(503), Fault::graphql_error("internal error")];
    mock.fault_rate(FaultRate::every(3).of(kinds));
    assert_eq!(bad_answers(&api, READ, 9).await, [3, 6, 9]);
    mock.clear_fault_rates();
    assert!(bad_answers(&api, READ, 9).await.is_empty());
    let requests = mock.requests();
    let statuses: Vec<_> = requests
        .iter()
        .filter(|one| one.is("R"))
        .take(9)
        .map(|one| one.status.unwrap())
        .collect();
    assert_eq!(
        statuses,
        [200, 200, 503, 200, 200, 200, 200, 200, 503],
        "the kinds take turns"
    );
}

#[tokio::test]
async fn the_same_seed_selects_the_same_requests_despite_others_in_between() {
    let rate = || FaultRate::one_in(5, 42).of([Fault::status(500), Fault::internal_error_after()]);
    let (mock, _server, api) = account().await;
    mock.fault_rate(rate());
    let alone = bad_answers(&api, READ, 60).await;
    assert!((4..=24).contains(&alone.len()), "{alone:?}");

    let (mock, _server, api) = account().await;
    mock.fault_rate(rate());
    let mut mixed = Vec::new();
    for number in 1..=60 {
        bad_answers(&api, TRIGGER, 1).await;
        if !bad_answers(&api, READ, 1).await.is_empty() {
            mixed.push(number);
        }
    }
    assert_eq!(mixed, alone);

    let (mock, _server, api) = account().await;
    mock.fault_rate(FaultRate::one_in(5, 43).of([Fault::status(500)]));
    assert_ne!(
        bad_answers(&api, READ, 60).await,
        alone,
        "another seed, other requests"
    );
}

#[tokio::test]
async fn every_kind_of_failure_occurs_by_default() {
    let (mock, _server, api) = account().await;
    let kinds = FaultRate::all_kinds().len();
    mock.fault_rate(FaultRate::every(1));
    bad_answers(&api, TRIGGER, kinds).await;
    let requests = mock.requests();
    let seen: std::collections::BTreeSet<String> = requests[1..]
        .iter()
        .map(|request| format!("{:?} {:?}", request.status, request.error))
        .collect();
    for expected in [
        "Some(429) None",
        "Some(401) None",
        "Some(403) None",
        "Some(500) None",
        "Some(503) None",
        "None None",
        "Some(200) Some(\"internal error\")",
        "Some(200) Some(\"unauthorized\")",
    ] {
        assert!(seen.contains(expected), "{expected}: {seen:?}");
    }
    // Some were done all the same.
    assert!(
        !mock.runs().is_empty() && mock.runs().len() < kinds,
        "{}",
        mock.runs().len()
    );
}

#[tokio::test]
async fn the_seed_decides_which_deliveries_are_lost_doubled_and_late() {
    let outcomes = async |seed| {
        let mock = still_account();
        let receiver = Receiver::start().await;
        mock.webhook(&NewWebhook::on_every_stack(&receiver.url, "s3cr3t"));
        mock.add_stack(NewStack::named("db"));
        mock.webhook_fault_rate(
            WebhookFaultRate::one_in(4, seed).of([WebhookFault::lost(), WebhookFault::doubled()]),
        );
        for _ in 0..10 {
            mock.push("db");
        }
        mock.settle();
        mock.clear_faults();
        // This delivery is sent by the same webhook, after all the others.
        mock.push("db");
        mock.wait_until("the last delivery", |mock| {
            let last = mock.runs().pop().unwrap().run;
            mock.deliveries()
                .iter()
                .any(|one| one.about.as_ref().is_some_and(|about| about.run == last))
        })
        .await;
        let deliveries = mock.deliveries();
        let delivered: Vec<_> = deliveries
            .iter()
            .filter_map(|one| {
                one.about
                    .as_ref()
                    .map(|about| (one.outcome.clone(), about.state_version))
            })
            .collect();
        let lost = delivered
            .iter()
            .filter(|(outcome, _)| *outcome == DeliveryOutcome::Lost)
            .count();
        (lost, delivered.len())
    };
    let first = outcomes(7).await;
    let (lost, all) = first;
    assert!(lost > 0, "{first:?}");
    assert!(all > 71, "some were sent twice: {first:?}");
    assert_eq!(outcomes(7).await, first);
}

#[tokio::test]
async fn a_late_delivery_is_overtaken_and_still_sent() {
    let mock = still_account();
    let receiver = Receiver::start().await;
    mock.webhook(&NewWebhook::on_every_stack(&receiver.url, "s3cr3t"));
    mock.add_stack(NewStack::named("db"));
    let late = WebhookFault::late(std::time::Duration::from_secs(1));
    mock.webhook_fault(late.when(|about| about.state.as_str() == "READY"));
    mock.push("db");
    mock.settle();
    mock.wait_until("all is delivered", |mock| mock.deliveries().len() == 7)
        .await;
    let states = receiver.states();
    assert_eq!(states.last().unwrap(), "READY");
    assert_eq!(states[0], "QUEUED");
}
