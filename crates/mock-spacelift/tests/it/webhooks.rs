//! Stack webhooks, as a receiver sees them.

use chain::RunState;
use mock_spacelift::{DeliveryOutcome, MockSpacelift, NewStack, NewWebhook, WebhookFault};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::still_account;

/// A stack whose transitions are sent to one receiver.
async fn stack_with_receiver(retrying: bool) -> (MockSpacelift, Receiver) {
    let mock = still_account();
    let receiver = Receiver::start().await;
    let webhook = NewWebhook::on_every_stack(&receiver.url, "s3cr3t");
    mock.webhook(&if retrying { webhook.retrying() } else { webhook });
    mock.add_stack(
        NewStack::named("prod-network")
            .label("env:prod")
            .description("VPC and subnets"),
    );
    (mock, receiver)
}

async fn delivered(mock: &MockSpacelift, count: usize) {
    mock.wait_until(&format!("{count} attempts"), |mock| {
        mock.deliveries().len() >= count
    })
    .await;
}

#[tokio::test]
async fn the_default_payload_has_spacelifts_fields_in_its_order() {
    let (mock, receiver) = stack_with_receiver(false).await;
    mock.trigger("prod-network", "alice@acme.example");
    mock.settle();
    delivered(&mock, 7).await;
    let last = receiver.received().pop().unwrap();
    let text = String::from_utf8(last.body.to_vec()).unwrap();
    assert!(
        text.ends_with("}\n"),
        "a trailing newline tells who verifies the raw bytes"
    );
    let recorded: Value = serde_json::from_str(include_str!("../data/run_tracked_finished.json")).unwrap();
    assert_eq!(shape(&last.json()), shape(&recorded));
    let expected = "{\"account\":\"acme\",\"state\":\"FINISHED\",\"stateVersion\":7,\"timestamp\":";
    assert_eq!(&text[..expected.len()], expected);
    assert_eq!(
        last.json()["run"]["delta"],
        json!({ "added": 2, "changed": 1, "deleted": 0, "resources": 14 })
    );
    assert_eq!(last.json()["run"]["triggeredBy"], "alice@acme.example");
    assert_eq!(receiver.received()[0].json()["run"]["delta"], Value::Null);
}

/// The keys and types of a body, without its values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), shape(value)))
            .collect(),
        Value::Array(_) => json!("array"),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("bool"),
        Value::Null => Value::Null,
    }
}

#[tokio::test]
async fn deliveries_carry_both_signatures_and_the_sender() {
    let (mock, receiver) = stack_with_receiver(false).await;
    mock.push("prod-network");
    delivered(&mock, 1).await;
    let delivery = receiver.received().remove(0);
    let header = |name: &str| delivery.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("user-agent"), "Go-http-client/2.0");
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("x-signature").len(), "sha1=".len() + 40);
    let sent = &mock.deliveries()[0];
    assert_eq!(
        sent.header("X-Signature-256"),
        Some(header("x-signature-256").as_str())
    );
    assert!(header("x-signature-256").starts_with("sha256="));
    assert_eq!(sent.body, delivery.body);
}

#[tokio::test]
async fn server_errors_are_retried_at_most_three_times() {
    let (mock, receiver) = stack_with_receiver(true).await;
    receiver.answer(503, 5);
    mock.push("prod-network");
    delivered(&mock, 4).await;
    mock.step();
    delivered(&mock, 6).await;
    let attempts: Vec<String> = mock
        .deliveries()
        .iter()
        .map(|one| format!("{} {:?}", one.attempt, one.outcome))
        .collect();
    let expected = [
        "1 Answered(503)",
        "2 Answered(503)",
        "3 Answered(503)",
        "4 Answered(503)",
        "1 Answered(503)",
        "2 Answered(200)",
    ];
    assert_eq!(attempts, expected);
    let bodies = receiver.received();
    assert_eq!(bodies[0].body, bodies[3].body, "a retry sends the same bytes");
}

#[tokio::test]
async fn there_is_no_retry_after_a_client_error_or_if_retries_are_off() {
    let (mock, receiver) = stack_with_receiver(true).await;
    receiver.answer(401, 1);
    mock.push("prod-network");
    delivered(&mock, 1).await;
    mock.step();
    delivered(&mock, 2).await;
    assert_eq!(receiver.states(), ["QUEUED", "READY"]);

    let (mock, receiver) = stack_with_receiver(false).await;
    receiver.answer(500, 1);
    mock.push("prod-network");
    delivered(&mock, 1).await;
    mock.step();
    delivered(&mock, 2).await;
    assert_eq!(receiver.states(), ["QUEUED", "READY"]);
}

#[tokio::test]
async fn ten_failures_in_a_row_switch_the_webhook_off() {
    let (mock, receiver) = stack_with_receiver(false).await;
    receiver.answer(500, 9);
    receiver.answer(200, 1);
    receiver.answer(422, 10);
    let enabled = |mock: &MockSpacelift| mock.stack_webhooks_enabled("prod-network").unwrap();
    for _ in 0..3 {
        mock.push("prod-network");
        mock.settle();
    }
    // Those that were queued before the tenth failure are still sent.
    delivered(&mock, 21).await;
    mock.wait_until("the webhook is off", |mock| !enabled(mock)).await;
    mock.push("prod-network");
    mock.settle();
    assert_eq!(receiver.received().len(), 21);
    assert_eq!(mock.deliveries().len(), 21);
}

#[tokio::test]
async fn an_unreachable_receiver_delays_no_run() {
    let mock = still_account();
    mock.webhook(&NewWebhook::on_every_stack(
        "http://127.0.0.1:9/webhook",
        "s3cr3t",
    ));
    mock.add_stack(NewStack::named("db"));
    let run = mock.push("db");
    mock.settle();
    assert_eq!(mock.run(&run).unwrap().state, RunState::Finished);
    delivered(&mock, 7).await;
    assert!(
        mock.deliveries()
            .iter()
            .all(|one| matches!(one.outcome, DeliveryOutcome::Unreachable(_)))
    );
}

#[tokio::test]
async fn deliveries_can_be_lost_doubled_and_reordered() {
    let (mock, receiver) = stack_with_receiver(false).await;
    let on = |state: &'static str| {
        move |about: &mock_spacelift::DeliveredTransition| about.state.as_str() == state
    };
    mock.webhook_fault(WebhookFault::lost().when(on("READY")));
    mock.webhook_fault(WebhookFault::doubled().when(on("PREPARING")));
    mock.webhook_fault(WebhookFault::reordered().when(on("PLANNING")));
    mock.webhook_fault(WebhookFault::reordered().when(on("FINISHED")));
    mock.push("prod-network");
    mock.settle();
    delivered(&mock, 7).await;
    let expected = [
        "QUEUED",
        "PREPARING",
        "PREPARING",
        "INITIALIZING",
        "APPLYING",
        "PLANNING",
    ];
    assert_eq!(receiver.states(), expected);
    mock.release_held_webhooks();
    delivered(&mock, 8).await;
    assert_eq!(receiver.states().pop().unwrap(), "FINISHED");
    let lost: Vec<_> = mock
        .deliveries()
        .into_iter()
        .filter(|one| one.outcome == DeliveryOutcome::Lost)
        .collect();
    assert_eq!(lost[0].about.as_ref().unwrap().state, RunState::Ready);
}

#[tokio::test]
async fn the_audit_trail_receives_changes_and_optionally_runs() {
    let mock = still_account();
    let receiver = Receiver::start().await;
    let server = crate::serve(&mock).await;
    let api = crate::client::Api::logged_in(&server).await;
    let set =
        "mutation A($input: AuditTrailWebhookInput!) { auditTrailSetWebhook(input: $input) { enabled } }";
    let headers = json!({ "entries": [{ "key": "X-Team", "value": "platform" }] });
    let input = json!({ "enabled": true, "endpoint": receiver.url, "includeRuns": true, "secret": "s",
        "customHeaders": headers });
    api.data(set, json!({ "input": input })).await;
    let create =
        "mutation { spaceCreate(input: {name: \"a\", description: \"\", inheritEntities: true}) { id } }";
    api.data(create, json!({})).await;
    api.data("{ spaces { id } }", json!({})).await;
    api.error("mutation { stackUnlock(id: \"none\") { id } }", json!({}))
        .await;
    mock.add_stack(NewStack::named("db"));
    mock.push("db");
    delivered(&mock, 3).await;
    let bodies: Vec<Value> = receiver
        .received()
        .iter()
        .map(crate::receiver::Received::json)
        .collect();
    assert_eq!(
        (&bodies[0]["action"], &bodies[1]["action"]),
        (&json!("audit_trail_webhook.set"), &json!("space.create"))
    );
    assert_eq!(receiver.received()[1].headers["x-team"], "platform");
    assert_eq!(bodies[1]["context"]["mutation"], "spaceCreate");
    assert!(
        bodies[1]["timestamp"].as_i64().unwrap() > 1_000_000_000_000,
        "milliseconds"
    );
    assert_eq!(bodies[2]["state"], "QUEUED");
    assert_eq!(bodies.len(), 3);
}
