//! Labels and settings of individual stacks.

use std::time::Duration;

use chain::{ChainResult, NoChange, ReasonCode, StackState};

use super::progress;
use crate::world::World;

#[tokio::test]
async fn labels_configure_individual_stacks() {
    let world = World::start().await;
    world.graph_with(
        "network; database: network; apps: database; other: network; tail: other",
        |name, stack| match name {
            "database" => stack.label("spillway:on-failure=continue").fails_next(1),
            "other" => stack.label("spillway:ignore=true"),
            "tail" => stack.label("spillway:retry=1"),
            _ => stack,
        },
    );
    let linted = world.spillway(&["lint"]).await;
    let report = String::from_utf8(linted.stdout).unwrap();
    assert_eq!(linted.status.code(), Some(1), "{report}");
    assert!(
        report.contains("label `spillway:retry=1` is not used: `retry` is none of"),
        "{report}"
    );
    let plan = world.says(&["plan", "network"]).await;
    assert!(plan.contains("by its labels on-failure=continue"), "{plan}");
    assert!(
        plan.contains("other: its label `spillway:ignore=true` says so"),
        "{plan}"
    );

    let root = world.push_to(1, &["network"]).remove(0);
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Failed);
    world.assert_once(&["database", "apps", "tail"]);
    assert!(world.spacelift.runs_of("other").is_empty());

    let asked = world.spillway(&["chain", "start", "other", "--wait"]).await;
    let why = String::from_utf8(asked.stderr).unwrap();
    assert!(why.contains("spillway:ignore=true"), "{why}");
    assert!(world.spacelift.runs_of("other").is_empty());
}

#[tokio::test]
async fn a_stack_is_skipped_if_no_upstream_changed() {
    let world = World::with_settings(|settings| settings.chain.no_change = NoChange::Skip).await;
    world.graph_with(
        "network; database: network; dns: network; apps: database; web: dns",
        |name, stack| match name {
            "database" => stack.no_changes(),
            _ => stack,
        },
    );
    let root = world.push_to(1, &["network"]).remove(0);
    let report = world.all_succeed(&[root]).await.remove(0);
    let apps = progress(&report, "apps");
    assert_eq!(apps.state, StackState::Skipped);
    assert_eq!(apps.reason.unwrap().code, ReasonCode::NoChange);
    world.assert_once(&["network", "database", "dns", "web"]);
    assert!(world.spacelift.runs_of("apps").is_empty());
}

#[tokio::test]
async fn a_failed_run_is_retried() {
    let world = World::with_settings(|settings| {
        settings.chain.run_retries = 2;
        settings.timing.run_retry_pause = Duration::from_millis(50);
    })
    .await;
    world.graph_with(
        "network; database: network; apps: database; other: network",
        |name, stack| match name {
            "database" => stack.fails_next(2),
            "other" => stack.label("spillway:retries=0").fails_next(1),
            _ => stack,
        },
    );
    let root = world.push_to(1, &["network"]).remove(0);
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Failed);
    let database = progress(&report, "database");
    assert_eq!((database.state, database.runs), (StackState::Succeeded, 3));
    let made: Vec<_> = world
        .spacelift
        .runs_of("database")
        .into_iter()
        .map(|run| run.run)
        .collect();
    assert_eq!(database.failed_runs, made[..2]);
    assert_eq!(progress(&report, "other").state, StackState::Failed);
    world.assert_once(&["apps", "other"]);
    let chain = world.says(&["chain", "show", report.id.as_str()]).await;
    assert!(chain.contains("after 2 failed"), "{chain}");
}
