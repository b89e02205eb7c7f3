//! `spillway doctor`.

use mock_spacelift::{Fault, MockSpacelift, NewNamedWebhook, NewPolicy};
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
    // Without a policy that names it, a webhook sends nothing.
    let report = world.run(&["doctor", "--json"]).await.json();
    assert_eq!(
        found(&report, "webhook in Spacelift"),
        (
            "warning",
            "no notification policy names `spillway`, so that Spacelift sends nothing"
        )
    );
    let body = r#"package spacelift
webhook[{"endpoint_id": "spillway"}] { input.run_updated.run.type == "TRACKED" }
"#;
    world
        .account
        .create_policy(NewPolicy::notification("spillway", body))
        .unwrap();
    let ran = world.run(&["doctor"]).await;
    assert_eq!(ran.status, 5);
    insta::assert_snapshot!(ran.stdout.replace(&world.url(), "<url>"), @r"
    ok       parameters            task queue `spacelift-task-queue`, label prefixes dependsOn, depends-on, at most 10 parallel runs per chain and 30 per account, on failure: skip-downstream, unknown upstream: skip
    ok       webhook secret        set
    ok       Spacelift settings    key 01JSMHTFM9TXWW1XK4AZN1SA8K at <url>
    ok       login                 mock (api::01JSMHTFM9TXWW1XK4AZN1SA8K)
    ok       rights                the key is an administrator
    ok       account               `acme`
    ok       stacks                the key sees 19 stacks
    warning  dependencies          errors: 0, warnings: 1
                                   -> `spillway lint` lists them.
    ok       webhook in Spacelift  `spillway` in the space `root` sends to https://x.example/webhook
    ok       trigger policies      none reads the dependency labels
    problem  Temporal              no answer at http://127.0.0.1:1/
                                   -> Start Temporal, or set TEMPORAL_ADDRESS. `spillway dev` starts a server of its own.
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
async fn another_account_than_that_of_the_key_is_a_wrong_setting() {
    let world = World::acme()
        .await
        .with("TEMPORAL_ADDRESS", NO_TEMPORAL)
        .with("SPILLWAY_ACCOUNT", "acmee");
    let ran = world.run(&["doctor", "--json"]).await;
    assert_eq!(ran.status, 3);
    assert_eq!(
        found(&ran.json(), "account"),
        (
            "problem",
            "SPILLWAY_ACCOUNT is `acmee`, but the API key belongs to the account `acme`"
        )
    );
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
            "Spacelift rejected the API key: the id or the secret is wrong"
        )
    );

    let world = World::acme().await.with("TEMPORAL_ADDRESS", NO_TEMPORAL);
    world.account.fault(Fault::html().always());
    let report = world.run(&["doctor", "--json"]).await.json();
    let (state, detail) = found(&report, "login");
    assert!(
        state == "problem" && detail.contains("is not from Spacelift's API"),
        "{detail}"
    );
}

#[tokio::test]
async fn an_empty_account_without_a_webhook_is_only_strange() {
    let world = World::of(MockSpacelift::new("acme"))
        .await
        .with("TEMPORAL_ADDRESS", NO_TEMPORAL);
    let report = world.run(&["doctor", "--json"]).await.json();
    assert_eq!(found(&report, "stacks"), ("warning", "the key sees no stacks"));
    assert_eq!(
        found(&report, "webhook in Spacelift"),
        ("warning", "there is no webhook named `spillway`")
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
        (
            "warning",
            "no worker is connected to the task queue `spacelift-task-queue`"
        )
    );

    let world = world.with("TEMPORAL_NAMESPACE", "nowhere");
    let ran = world.run(&["doctor", "--json"]).await;
    assert_eq!(ran.status, 3);
    assert_eq!(
        found(&ran.json(), "Temporal"),
        ("problem", "there is no namespace `nowhere`; there are: default")
    );
    temporal.kill().await.unwrap();
}

/// As Cloud Posse's modules and Spacelift's documentation write it.
const DEPENDENCIES: &str = r#"
package spacelift

trigger[stack.id] {
  stack := input.stacks[_]
  input.run.state == "FINISHED"
  stack.labels[_] == concat("", ["depends-on:", input.stack.id])
}
"#;

#[tokio::test]
async fn a_trigger_policy_that_reads_our_labels_is_found_where_it_is_attached() {
    let world = World::acme().await.with("TEMPORAL_ADDRESS", NO_TEMPORAL);
    let policy = |name: &str, body: &str| NewPolicy::trigger(name, body);
    world
        .account
        .create_policy(policy("dependencies", DEPENDENCIES))
        .unwrap();
    let retries = "package spacelift\ntrigger[input.stack.id] { input.run.state == \"FAILED\" }\n";
    let retries = policy("retries", retries).label("autoattach:*");
    world.account.create_policy(retries).unwrap();
    let report = world.run(&["doctor", "--json"]).await.json();
    assert_eq!(
        found(&report, "trigger policies"),
        (
            "ok",
            "`dependencies` reads the dependency labels and is attached to no stack"
        )
    );
    for (stack, stacks) in [("vpn", "1 stack"), ("database", "2 stacks")] {
        world.account.attach_policy("dependencies", stack);
        let report = world.run(&["doctor", "--json"]).await.json();
        let expected = format!(
            "`dependencies` reads the dependency labels and is attached to {stacks}: what depends on them runs twice, \
             because of the policy and because of Spillway"
        );
        assert_eq!(found(&report, "trigger policies"), ("warning", expected.as_str()));
    }
}

#[tokio::test]
async fn a_misspelt_variable_is_found() {
    let world = World::acme()
        .await
        .with("TEMPORAL_ADDRESS", NO_TEMPORAL)
        .with("SPILLWAY_PARALEL_RUNS", "3");
    let report = world.run(&["doctor", "-o", "json"]).await.json();
    assert_eq!(
        found(&report, "variables"),
        (
            "warning",
            "SPILLWAY_PARALEL_RUNS is not a setting; did you mean SPILLWAY_PARALLEL_RUNS?"
        )
    );
}

#[tokio::test]
async fn each_sink_says_whether_it_answers() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new()
        .route("/well", axum::routing::post(async || "taken"))
        .route(
            "/busy",
            axum::routing::any(async || (axum::http::StatusCode::TOO_MANY_REQUESTS, [("retry-after", "30")])),
        )
        .route(
            "/slack/auth.test",
            axum::routing::post(async || r#"{"ok":false,"error":"invalid_auth"}"#),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    let sinks = format!(
        r##"
        [bot]
        kind = "slack"
        token = "$SPILLWAY_SINKS_TOKEN"
        channel = "#x"
        api = "http://{address}/slack"
        [busy]
        kind = "teams"
        url = "http://{address}/busy"
        [gone]
        kind = "webhook"
        url = "http://127.0.0.1:1/hook?secret=s3cret"
        [well]
        kind = "webhook"
        url = "http://{address}/well"
        "##
    );
    let world = World::acme()
        .await
        .with("TEMPORAL_ADDRESS", NO_TEMPORAL)
        .with("SPILLWAY_SINKS", &sinks);
    let report = world.run(&["doctor", "-o", "json"]).await.json();
    let (state, detail) = found(&report, "sink");
    assert_eq!(
        (state, detail),
        (
            "problem",
            "sink `bot`: the environment variable `SPILLWAY_SINKS_TOKEN` is not set"
        )
    );

    let world = world.with("SPILLWAY_SINKS_TOKEN", "xoxb-s3cret");
    let ran = world.run(&["doctor", "-o", "json"]).await;
    assert!(!ran.stdout.contains("s3cret"), "{}", ran.stdout);
    let report = ran.json();
    let findings = report["findings"].as_array().unwrap().iter();
    let said: Vec<String> = findings
        .filter(|finding| finding["check"] == "sink")
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap().to_owned();
            format!("{} {}", text("state"), text("detail"))
        })
        .collect();
    assert_eq!(
        said[..2],
        [
            "problem `bot` (slack): the sink refused: invalid_auth",
            "warning `busy` (teams): the sink asks for a pause of 30 s",
        ]
    );
    assert!(
        said[2].starts_with("problem `gone` (webhook): the sink cannot be reached"),
        "{}",
        said[2]
    );
    assert_eq!(said[3], "ok `well` (webhook): it answers 405 to HEAD");
}
