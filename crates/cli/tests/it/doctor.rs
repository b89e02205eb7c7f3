//! `spillway doctor`.

use mock_spacelift::{Fault, MockSpacelift, NewNamedWebhook};
use serde_json::Value;
use temporal_server::DevServer;

use crate::world::World;

/// A Temporal that refuses connections at once.
const NO_TEMPORAL: &str = "127.0.0.1:1";

/// State and detail of a check.
#[track_caller]
fn found<'a>(report: &'a Value, check: &str) -> (&'a str, &'a str) {
    let findings = report["findings"].as_array().unwrap();
    let finding = findings
        .iter()
        .find(|finding| finding["check"] == check)
        .unwrap_or_else(|| panic!("no {check}: {report}"));
    (
        finding["state"].as_str().unwrap(),
        finding["detail"].as_str().unwrap(),
    )
}

#[tokio::test]
async fn everything_but_temporal_is_well() {
    let world = World::acme()
        .await
        .with("TEMPORAL_ADDRESS", NO_TEMPORAL)
        .with("WEBHOOK_SECRET", "0123456789abcdef");
    world
        .account
        .create_named_webhook(NewNamedWebhook::named(
            "spillway",
            "https://x.example/webhook",
            "s",
        ))
        .unwrap();
    let ran = world.run(&["doctor"]).await;
    assert_eq!(ran.status, 5);
    insta::assert_snapshot!(ran.stdout.replace(&world.url(), "<url>"), @r"
    ok       parameters            task queue `spacelift-task-queue`, label prefixes dependsOn, depends-on, 10 runs at a time for a chain and 30 for the account, on failure: skip-downstream, unknown upstream: skip
    ok       webhook secret        set
    ok       Spacelift settings    key 01JSMHTFM9TXWW1XK4AZN1SA8K at <url>
    ok       login                 mock (api::01JSMHTFM9TXWW1XK4AZN1SA8K)
    ok       rights                the key is an administrator's
    ok       account               `acme`
    ok       stacks                the key sees 19
    warning  dependencies          errors: 0, warnings: 1
                                   -> `spillway lint` lists them
    ok       webhook in Spacelift  `spillway` of the space `root` sends to https://x.example/webhook
    problem  Temporal              Temporal at `http://127.0.0.1:1/` does not answer
                                   -> start it, or set TEMPORAL_ADDRESS; `spillway dev` brings one of its own
    ");
}

#[tokio::test]
async fn wrong_settings_are_all_found_and_decide_the_status() {
    let world = World::acme()
        .await
        .without("SPACELIFT_KEY_ID")
        .with("TEMPORAL_ADDRESS", NO_TEMPORAL)
        .with("WEBHOOK_SECRET", "short")
        .with("SPILLWAY_ON_FAILURE", "panic");
    let ran = world.run(&["doctor", "--json"]).await;
    assert_eq!(ran.status, 3);
    let report = ran.json();
    for (check, detail) in [
        ("parameters", "`SPILLWAY_ON_FAILURE` is `panic`"),
        ("webhook secret", "5 bytes"),
        ("Spacelift settings", "SPACELIFT_KEY_ID"),
    ] {
        let (state, said) = found(&report, check);
        assert_eq!(state, "problem");
        assert!(said.contains(detail), "{said}");
    }
}

#[tokio::test]
async fn a_key_that_spacelift_does_not_know_is_told_from_a_wrong_url() {
    let world = World::acme()
        .await
        .with("SPACELIFT_KEY_SECRET", "other")
        .with("TEMPORAL_ADDRESS", NO_TEMPORAL);
    let report = world.run(&["doctor", "--json"]).await.json();
    assert_eq!(
        found(&report, "login"),
        (
            "problem",
            "Spacelift does not know this key, or its secret is another one"
        )
    );

    let world = World::acme().await.with("TEMPORAL_ADDRESS", NO_TEMPORAL);
    world.account.fault(Fault::html().always());
    let report = world.run(&["doctor", "--json"]).await.json();
    let (state, detail) = found(&report, "login");
    assert!(
        state == "problem" && detail.contains("is not Spacelift's GraphQL"),
        "{detail}"
    );
}

#[tokio::test]
async fn an_empty_account_without_a_webhook_is_only_strange() {
    let world = World::of(MockSpacelift::new("acme"))
        .await
        .with("TEMPORAL_ADDRESS", NO_TEMPORAL);
    let report = world.run(&["doctor", "--json"]).await.json();
    assert_eq!(found(&report, "stacks"), ("warning", "the key sees none"));
    assert_eq!(
        found(&report, "webhook in Spacelift"),
        ("warning", "there is none called `spillway`")
    );
    assert_eq!(found(&report, "account"), ("ok", "`acme`"));
}

#[tokio::test]
async fn a_temporal_without_the_namespace_or_a_worker_is_found_out() {
    let executable = temporal_server::executable(|_| ()).await.unwrap();
    let options = temporal_server::Options {
        port: None,
        ui_port: None,
        database: None,
    };
    let temporal = DevServer::start(&executable, &options).await.unwrap();
    let world = World::acme()
        .await
        .with("TEMPORAL_ADDRESS", &temporal.address().to_string());
    let ran = world.run(&["doctor", "--json"]).await;
    assert_eq!(ran.status, 0);
    let report = ran.json();
    assert_eq!(found(&report, "Temporal").0, "ok");
    assert_eq!(
        found(&report, "worker"),
        ("warning", "none waits at the task queue `spacelift-task-queue`")
    );

    let world = world.with("TEMPORAL_NAMESPACE", "nowhere");
    let ran = world.run(&["doctor", "--json"]).await;
    assert_eq!(ran.status, 3);
    assert_eq!(
        found(&ran.json(), "Temporal"),
        ("problem", "there is no namespace `nowhere`")
    );
    temporal.kill().await.unwrap();
}
