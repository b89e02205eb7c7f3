//! A second Spillway on the account: its runs name another Temporal namespace in their metadata.

use chain::metadata::{self, Namespace};
use chain::{RunId, RunState};
use mock_spacelift::KEY_ID;
use serde_json::json;

use crate::world::{World, now_s};

/// Another Spillway with our key triggers a run of `other`, and Spacelift announces it with that Spillway's metadata.
async fn run_of_another(world: &World, namespace: &Namespace) -> RunId {
    world.graph_confirming("other", &["other"]);
    let theirs = world.spacelift.trigger("other", &format!("api::{KEY_ID}"));
    let run = world.wait_for_run("other", &RunState::Unconfirmed).await.run;
    assert_eq!(run, theirs);
    // Only a notification policy includes metadata.
    let body = json!({
        "account": {"name": world.account},
        "run_updated": {
            "state": "UNCONFIRMED",
            "run": {
                "id": theirs, "branch": "main", "type": "TRACKED", "updated_at": now_s() * 1_000_000_000,
                "user_provided_metadata": [metadata::of_run(namespace, "stack:acme:other")],
            },
            "stack": {"id": "other", "name": "Other"},
        },
    });
    assert_eq!(world.post(&body.to_string()).await.status(), 202);
    world
        .wait_for_metric(r#"spillway_schedule_alarms_total{alarm="conflict"}"#)
        .await;
    theirs
}

#[tokio::test]
async fn a_second_spillway_is_known_by_the_id_of_its_namespace() {
    let world = World::start().await;
    let theirs = Namespace {
        id: Some("8e0ee1a2-0000-4000-8000-000000000000".to_owned()),
        ..world.workflows.namespace().await.unwrap()
    };
    assert_ne!(world.workflows.namespace().await.unwrap().id, None);
    run_of_another(&world, &theirs).await;
}

#[tokio::test]
async fn a_second_spillway_stops_every_trigger_until_a_person_allows_them() {
    let world = World::start().await;
    world.graph("network; database: network");
    let theirs = run_of_another(&world, &Namespace::named("another")).await;

    let root = world.push_to(1, &["network"]).remove(0);
    world
        .wait_for_chain(&root, "a plan", |report| report.record.is_some())
        .await;
    let database = "database".parse().unwrap();
    let report = world.workflows.stack_report(&world.account, &database).await;
    let why = report.unwrap().unwrap().why;
    assert!(
        why.contains("another Spillway") && why.contains("`another`") && why.contains(theirs.as_str()),
        "{why}"
    );
    let doctor = world.spillway(&["doctor"]).await;
    assert_eq!(doctor.status.code(), Some(3));
    let said = String::from_utf8(doctor.stdout).unwrap();
    assert!(said.contains("another Spillway"), "{said}");
    // The lost schedule's history shows it.
    world.terminate_schedule().await;
    let again = world.push_to(2, &["network"]).remove(0);
    world
        .wait_for_chain(&again, "a plan", |report| report.record.is_some())
        .await;
    let report = world.workflows.stack_report(&world.account, &database).await;
    assert_eq!(report.unwrap().unwrap().why, why);
    assert!(world.spacelift.runs_of("database").is_empty());

    assert!(world.workflows.lift_halt(&world.account, "bob").await.unwrap());
    world.all_succeed(&[root, again]).await;
    assert_eq!(
        world.runs_of(&["network", "database", "other"]),
        [("database", 1), ("network", 2), ("other", 1)]
            .map(|(stack, runs)| (stack.to_owned(), runs))
            .into()
    );
    assert!(!world.workflows.lift_halt(&world.account, "bob").await.unwrap());
}
