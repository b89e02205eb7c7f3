//! `spillway webhook`: what it installs sends every change of a run.

use std::collections::BTreeSet;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use chain::event::Delivery;
use chain::signature::{self, WebhookSecret};
use chain::{RunEvent, RunState};
use mock_spacelift::{DeliveryRecord, Fault, MockSpacelift, NewSpace, NewStack};
use tokio::net::TcpListener;

use crate::world::World;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

async fn world() -> World {
    let account = MockSpacelift::new("acme");
    account
        .create_space_with_id("network", NewSpace::named("network"))
        .unwrap();
    account.add_stack(NewStack::named("vpc").space("network"));
    World::of(account).await.with("WEBHOOK_SECRET", SECRET)
}

/// Somebody who takes every delivery.
async fn receiver() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhook", listener.local_addr().unwrap());
    let router = Router::new().route("/webhook", post(async || StatusCode::ACCEPTED));
    tokio::spawn(async { axum::serve(listener, router).await });
    url
}

/// What the account has sent of a run, as the webhook would read it.
fn events(account: &MockSpacelift, run: &str) -> Vec<RunEvent> {
    let secrets = WebhookSecret::parse(SECRET).unwrap().into();
    let sent = account.deliveries().into_iter().filter(DeliveryRecord::succeeded);
    let events = sent.map(|sent| {
        let header = sent.header(signature::HEADER).expect("it is signed");
        signature::verify(&[header.as_bytes()], &sent.body, &secrets).unwrap();
        match chain::event::parse(&sent.body).unwrap() {
            Delivery::Run(event) => *event,
            other => panic!("{other:?}"),
        }
    });
    events.filter(|event| event.run.as_str() == run).collect()
}

#[tokio::test]
async fn what_it_installs_delivers_every_change_of_a_tracked_run() {
    let world = world().await;
    let endpoint = receiver().await;
    world
        .run(&["webhook", "install", "--endpoint", &endpoint, "--apply"])
        .await
        .ok();

    world
        .run(&["run", "trigger", "vpc", "--type", "proposed"])
        .await
        .ok();
    world
        .run(&[
            "run",
            "trigger",
            "vpc",
            "--metadata",
            "spillway:x",
            "--env",
            "TOKEN=hunter2",
        ])
        .await
        .ok();
    let [proposed, tracked] = &world.account.runs()[..] else {
        panic!("two runs were triggered")
    };
    let (proposed, tracked) = (proposed.run.as_str(), tracked.run.as_str());
    let history = |account: &MockSpacelift| {
        let run = account.runs_of("vpc").remove(1);
        run.history
            .into_iter()
            .map(|(state, _)| state)
            .collect::<BTreeSet<_>>()
    };
    let told = |account: &MockSpacelift| {
        events(account, tracked)
            .into_iter()
            .map(|event| event.state)
            .collect()
    };
    world
        .account
        .wait_until("every state of the tracked run is told", |account| {
            let told: BTreeSet<_> = told(account);
            told.contains(&RunState::Finished) && told == history(account)
        })
        .await;

    let event = &events(&world.account, tracked)[0];
    assert_eq!(event.account.as_str(), "acme");
    assert_eq!(event.space.as_ref().unwrap().as_str(), "network");
    assert_eq!(event.metadata, ["spillway:x"]);
    assert_eq!(
        (
            event.stack.as_str(),
            event.stack_name.as_str(),
            event.branch.as_str()
        ),
        ("vpc", "vpc", "main")
    );
    assert!(event.commit.is_some() && event.triggered_by.is_some() && event.timestamp_ms > 0);
    assert_eq!(events(&world.account, proposed), []);
    let bodies: Vec<_> = world
        .account
        .deliveries()
        .into_iter()
        .flat_map(|sent| sent.body)
        .collect();
    assert!(
        !String::from_utf8(bodies).unwrap().contains("hunter2"),
        "variables of a run are passed on"
    );
}

fn writes(account: &MockSpacelift) -> Vec<String> {
    let fields = account.requests().into_iter().flat_map(|request| request.fields);
    fields
        .filter(|field| field.contains("Create") || field.contains("Update") || field.contains("pdatev2"))
        .collect()
}

#[tokio::test]
async fn without_apply_it_only_shows_what_would_change() {
    let world = world().await;
    let said = world
        .run(&["webhook", "install", "--endpoint", "https://x.example/webhook"])
        .await
        .ok();
    let (webhook, policy) = said.split_once("\n\n").unwrap();
    insta::assert_snapshot!(webhook, @r"
    create the named webhook `spillway`
      endpoint: https://x.example/webhook
      space: root
      enabled: true
      retry on failure: true
      secret: (the one in the environment)
    ");
    let rego = world.run(&["webhook", "policy"]).await.ok();
    for line in rego.lines() {
        assert!(policy.contains(line), "{line} is missing in {policy}");
    }
    assert!(
        said.ends_with("Nothing was changed. Run with --apply to make these changes.\n"),
        "{said}"
    );
    assert_eq!(writes(&world.account), [""; 0]);
    assert!(!said.contains(SECRET));
}

#[tokio::test]
async fn a_second_time_it_changes_only_what_differs() {
    let world = world().await;
    let install = |endpoint| ["webhook", "install", "--endpoint", endpoint, "--apply"];
    world.run(&install("https://old.example/webhook")).await.ok();
    let said = world.run(&install("https://new.example/webhook")).await.ok();
    insta::assert_snapshot!(said, @r"
    update the named webhook `spillway`
      endpoint: https://old.example/webhook -> https://new.example/webhook
      secret: (not shown by Spacelift) -> (the one in the environment)

    keep the notification policy `spillway`

    Installed. Spacelift sends every change of a tracked run in the space `root`, and in the spaces that inherit from it, to https://new.example/webhook.
    ");
    assert_eq!(
        writes(&world.account),
        [
            "namedWebhooksIntegrationCreate",
            "policyCreatev2",
            "namedWebhooksIntegrationUpdate"
        ]
    );
    let moved = [
        &install("https://new.example/webhook")[..],
        &["--space", "network", "--json"],
    ]
    .concat();
    let changes = world.run(&moved).await.json();
    assert_eq!(changes["applied"], true);
    assert_eq!(changes["changes"][1]["settings"][0]["before"], "root");
    assert_eq!(changes["changes"][1]["settings"][0]["after"], "network");
}

#[tokio::test]
async fn without_rights_it_says_what_to_do_by_hand() {
    let world = world().await;
    // No token is good for long enough: Spacelift refuses as it refuses a key without the rights.
    world.account.fault(
        Fault::expired_tokens()
            .on("namedWebhooksIntegrationCreate")
            .always(),
    );
    let ran = world
        .run(&[
            "webhook",
            "install",
            "--endpoint",
            "https://x.example/webhook",
            "--apply",
        ])
        .await;
    assert_eq!(ran.status, 4, "{ran:?}");
    let rego = world.run(&["webhook", "policy"]).await.ok();
    assert!(ran.stdout.ends_with(&rego), "{}", ran.stdout);
    for text in [
        "not allowed",
        "https://x.example/webhook",
        "the value of WEBHOOK_SECRET",
        "space `root`",
    ] {
        assert!(ran.stderr.contains(text), "no {text} in {}", ran.stderr);
    }
    assert!(!ran.stderr.contains(SECRET));
}

#[tokio::test]
async fn a_wrong_key_is_no_lack_of_rights() {
    let world = world().await.with("SPACELIFT_KEY_SECRET", "other");
    let install = ["webhook", "install", "--endpoint", "https://x.example/webhook"];
    let said = world.run(&install).await.failed(4);
    assert!(
        said.starts_with("error: Spacelift rejected the API key\n"),
        "{said}"
    );
}

#[tokio::test]
async fn what_is_missing_is_named_before_anything_is_sent() {
    let world = world()
        .await
        .without("WEBHOOK_SECRET")
        .without("SPACELIFT_KEY_ID");
    let install = [
        "webhook",
        "install",
        "--endpoint",
        "https://x.example/webhook",
        "--apply",
    ];
    let said = world.run(&install).await.failed(3);
    assert!(
        said.contains("SPACELIFT_KEY_ID") && said.contains("WEBHOOK_SECRET"),
        "{said}"
    );
    let said = world
        .with("WEBHOOK_SECRET", "short")
        .run(&install)
        .await
        .failed(3);
    assert!(said.contains("5 bytes long"), "{said}");
}

#[tokio::test]
async fn a_space_that_is_not_there_is_named() {
    let said = world()
        .await
        .run(&[
            "webhook",
            "install",
            "--endpoint",
            "https://x.example/webhook",
            "--space",
            "nowhere",
        ])
        .await
        .failed(4);
    assert!(said.starts_with("error: space `nowhere` not found\n"), "{said}");
}

#[tokio::test]
async fn for_pull_requests_it_also_delivers_the_end_of_a_proposed_run() {
    let world = world().await;
    let endpoint = receiver().await;
    let install = ["webhook", "install", "--endpoint", &endpoint, "--apply"];
    world
        .run(&[&install[..], &["--pull-requests"]].concat())
        .await
        .ok();
    let run = world.account.propose("vpc");
    let told = |account: &MockSpacelift| -> Vec<RunState> {
        let events = events(account, run.as_str()).into_iter();
        events.map(|event| event.state).collect()
    };
    world
        .account
        .wait_until("the end is told", |account| !told(account).is_empty())
        .await;
    assert_eq!(told(&world.account), [RunState::Finished]);
}
