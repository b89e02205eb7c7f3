//! Named webhooks, fed by notification policies.

use chain::RunState;
use mock_spacelift::{MockSpacelift, NewNamedWebhook, NewPolicy, NewSpace, NewStack};
use serde_json::json;

use crate::client::Api;
use crate::receiver::Receiver;
use crate::{serve, still_account};

/// The old syntax, as Spacelift's documentation writes it.
const FORWARD: &str = r#"
package spacelift

webhook[{"endpoint_id": endpoint.id, "payload": input}] {
  endpoint := input.webhook_endpoints[_]
  endpoint.id == "spillway"
  input.run_updated.state == "FINISHED"
}
"#;

async fn hooked(mock: &MockSpacelift) -> Receiver {
    let receiver = Receiver::start().await;
    mock.create_named_webhook(NewNamedWebhook::named("Spillway", &receiver.url, "s3cr3t"))
        .unwrap();
    receiver
}

fn policy(mock: &MockSpacelift, body: &str) {
    mock.create_policy(NewPolicy::notification("forward", body))
        .unwrap();
}

async fn delivered(mock: &MockSpacelift, count: usize) {
    mock.wait_until(&format!("{count} deliveries"), |mock| {
        mock.deliveries().len() >= count
    })
    .await;
}

#[tokio::test]
async fn a_policy_forwards_its_input_with_the_metadata_of_the_trigger() {
    let mock = still_account();
    let receiver = hooked(&mock).await;
    policy(&mock, FORWARD);
    mock.create_space_with_id("prod", NewSpace::named("prod"))
        .unwrap();
    mock.add_stack(
        NewStack::named("db")
            .space("prod")
            .repository("acme/infra")
            .depends_on("vpc"),
    );
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let trigger = api.request("mutation { runTrigger(stack: \"db\") { id } }", &json!({}));
    trigger
        .header("Spacelift-User-Provided-Run-Metadata", "spillway:x")
        .send()
        .await
        .unwrap();
    mock.settle();
    delivered(&mock, 1).await;

    let [delivery] = receiver.received().try_into().unwrap();
    let body = delivery.json();
    let run = &body["run_updated"]["run"];
    let stack = &body["run_updated"]["stack"];
    assert_eq!(body["account"]["name"], "acme");
    assert_eq!(run["user_provided_metadata"], json!(["spillway:x"]));
    assert_eq!(
        run["triggered_by"],
        json!(format!("api::{}", mock_spacelift::KEY_ID))
    );
    assert_eq!(run["creator_session"]["machine"], true);
    assert!(
        run["created_at"].as_i64().unwrap() > 1_000_000_000_000_000_000,
        "nanoseconds"
    );
    assert_eq!(
        stack["space"],
        json!({ "id": "prod", "name": "prod", "labels": [] })
    );
    assert_eq!(stack["labels"], json!(["dependsOn:vpc"]));
    assert_eq!(
        (&stack["namespace"], &stack["repository"]),
        (&json!("acme"), &json!("infra"))
    );
    let timed: Vec<&str> = body["run_updated"]["timing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["state"].as_str().unwrap())
        .collect();
    assert_eq!(
        timed,
        [
            "QUEUED",
            "READY",
            "PREPARING",
            "INITIALIZING",
            "PLANNING",
            "APPLYING"
        ]
    );
    assert!(delivery.headers.contains_key("x-signature-256"));
}

#[tokio::test]
async fn the_input_has_the_same_fields_as_spacelifts() {
    let mock = still_account();
    let receiver = hooked(&mock).await;
    policy(&mock, FORWARD);
    mock.add_stack(NewStack::named("db"));
    mock.push("db");
    mock.settle();
    delivered(&mock, 1).await;
    let recorded: serde_json::Value =
        serde_json::from_str(include_str!("../data/policy_forwarded_input_run_updated.json")).unwrap();
    let sent = receiver.received()[0].json();
    for path in [
        "",
        "/run_updated",
        "/run_updated/run",
        "/run_updated/stack",
        "/run_updated/run/commit",
    ] {
        let keys = |body: &serde_json::Value| -> Vec<String> {
            body.pointer(path)
                .unwrap()
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect()
        };
        let (ours, theirs) = (keys(&sent), keys(&recorded));
        let missing: Vec<&String> = theirs.iter().filter(|key| !ours.contains(key)).collect();
        assert!(missing.is_empty(), "{path} lacks {missing:?}");
    }
}

#[tokio::test]
async fn a_rule_without_a_payload_sends_the_default_one() {
    let mock = still_account();
    let receiver = hooked(&mock).await;
    policy(
        &mock,
        "package spacelift\nwebhook[{\"endpoint_id\": e.id}] { e := input.webhook_endpoints[_] }",
    );
    mock.add_stack(NewStack::named("db"));
    mock.push("db");
    delivered(&mock, 1).await;
    assert_eq!(receiver.states(), ["QUEUED"]);
}

#[tokio::test]
async fn the_new_syntax_methods_headers_and_logs_work() {
    let mock = still_account();
    let receiver = hooked(&mock).await;
    policy(
        &mock,
        r#"
package spacelift

import rego.v1

webhook contains request if {
  input.run_updated.state == "APPLYING"
  request := {
    "endpoint_id": "spillway",
    "method": "PUT",
    "headers": {"X-Kind": "applying", "X-Signature-256": "sha256=forged"},
    "payload": {"log": "says: spacelift::logs::planning"},
  }
}
"#,
    );
    mock.add_stack(NewStack::named("db"));
    mock.push("db");
    mock.settle();
    delivered(&mock, 1).await;
    let [delivery] = receiver.received().try_into().unwrap();
    assert_eq!(delivery.method, "PUT");
    assert_eq!(delivery.headers["x-kind"], "applying");
    assert_ne!(delivery.headers["x-signature-256"], "sha256=forged");
    let log = delivery.json()["log"].as_str().unwrap().to_owned();
    assert!(
        log.starts_with("says: planning db") && log.contains("Plan: 2 to add"),
        "{log}"
    );
}

#[tokio::test]
async fn policies_reach_the_spaces_that_inherit_from_theirs() {
    let mock = still_account();
    let receiver = hooked(&mock).await;
    policy(&mock, FORWARD);
    mock.create_space_with_id("near", NewSpace::named("near"))
        .unwrap();
    let far = NewSpace {
        inherit_entities: false,
        ..NewSpace::named("far")
    };
    mock.create_space_with_id("far", far).unwrap();
    mock.add_stack(NewStack::named("cut-off").space("far"));
    mock.add_stack(NewStack::named("reached").space("near"));
    let runs = [mock.push("cut-off"), mock.push("reached")];
    mock.settle();
    delivered(&mock, 1).await;
    assert!(
        runs.iter()
            .all(|run| mock.run(run).unwrap().state == RunState::Finished)
    );
    let received: Vec<_> = receiver
        .received()
        .iter()
        .map(|one| one.json()["run_updated"]["stack"]["id"].clone())
        .collect();
    assert_eq!(received, ["reached"]);
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_is_refused() {
    let mock = still_account();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let create = "mutation P($input: PolicyCreateInput!) { policyCreatev2(input: $input) { id type } }";
    let bad =
        json!({ "input": { "name": "p", "type": "NOTIFICATION", "body": "package spacelift\nwebhook[" } });
    let error = api.error(create, bad).await;
    assert!(error.starts_with("policy does not compile: "), "{error}");
    let good = json!({ "input": { "name": "My policy", "type": "NOTIFICATION", "body": FORWARD } });
    let created = api.data(create, good).await;
    assert_eq!(
        created["policyCreatev2"],
        json!({ "id": "my-policy", "type": "NOTIFICATION" })
    );
}
