//! What each label of a stack does to its runs.

use std::num::NonZeroU32;
use std::time::Duration;

use chain::{ChainId, ChainResult, ReasonCode, RunState, StackState};
use mock_spacelift::ControlRequest;
use temporal_client::contract::ChainReport;

use super::progress;
use crate::world::World;

fn code(report: &ChainReport, stack: &str) -> ReasonCode {
    progress(report, stack).reason.unwrap().code
}

#[tokio::test]
async fn the_greater_priority_runs_first() {
    let world = World::with_settings(|settings| settings.chain.parallel_runs = NonZeroU32::MIN).await;
    world.graph_with(
        "network; first: network; long: network; tail: long",
        |name, stack| match name {
            "first" => stack.label("spillway:priority=5"),
            _ => stack,
        },
    );
    let root = world.push_to(1, &["network"]).remove(0);
    world.all_succeed(&[root]).await;
    // Without the label, the longer path goes first.
    world.assert_order(&[("first", "long"), ("long", "tail")]);
}

#[tokio::test]
async fn an_optional_dependency_may_be_missing() {
    let world = World::start().await;
    world.graph_with(
        "network; database: network nowhere; apps: network nowhere",
        |name, stack| match name {
            "database" => stack.label("spillway:optional=nowhere"),
            _ => stack,
        },
    );
    let root = world.push_to(1, &["network"]).remove(0);
    let report = world.chain_of(&root).await;
    world.assert_once(&["database"]);
    assert!(world.spacelift.runs_of("apps").is_empty());
    assert_eq!(progress(&report, "apps").state, StackState::Skipped);
}

#[tokio::test]
async fn a_failure_can_stop_the_whole_chain() {
    let world = World::start().await;
    world.graph_with(
        "network; database: network; slow: network; tail: slow",
        |name, stack| match name {
            "database" => stack.label("spillway:on-failure=stop").autodeploy(false),
            "slow" => stack.autodeploy(false),
            _ => stack,
        },
    );
    let root = world.push_to(1, &["network"]).remove(0);
    let both_wait = |report: &ChainReport| {
        let waits = |stack| progress(report, stack).note.is_some();
        report.record.is_some() && waits("database") && waits("slow")
    };
    world.wait_for_chain(&root, "two confirmations", both_wait).await;
    let database = world.spacelift.runs_of("database").remove(0);
    world.spacelift.discard(&database.run, "alice");
    let is_stopped = |report: &ChainReport| {
        let tail = report.record.as_ref().map(|_| progress(report, "tail"));
        tail.is_some_and(|tail| tail.state == StackState::Skipped)
    };
    world.wait_for_chain(&root, "a stopped chain", is_stopped).await;
    world.wait_for_run("slow", &RunState::Unconfirmed).await;
    world.confirm("slow").await;
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Failed);
    assert_eq!(progress(&report, "slow").state, StackState::Succeeded);
    assert_eq!(code(&report, "tail"), ReasonCode::ChainStopped);
    assert!(world.spacelift.runs_of("tail").is_empty());
}

#[tokio::test]
async fn a_stack_can_have_its_own_timeout() {
    let world = World::start().await;
    world.graph_with(
        "network; database: network; cache: network",
        |name, stack| match name {
            "database" => stack.autodeploy(false).label("spillway:timeout=3s"),
            _ => stack.autodeploy(name == "network"),
        },
    );
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Discarded).await;
    world.wait_for_run("cache", &RunState::Unconfirmed).await;
    world.confirm("cache").await;
    let report = world.chain_of(&root).await;
    assert_eq!(code(&report, "database"), ReasonCode::Timeout);
    assert_eq!(progress(&report, "cache").state, StackState::Succeeded);
}

#[tokio::test]
async fn a_late_run_that_has_not_begun_is_ended_too() {
    let world = World::start().await;
    world.graph_with("database; apps: database", |name, stack| match name {
        "database" => stack.label("spillway:timeout=3s"),
        _ => stack,
    });
    let workers = ControlRequest::Workers { present: false };
    world.spacelift.control(workers).unwrap();
    let said = world.document("request", &["chain", "start", "database"]).await;
    let chain = ChainId::of_workflow(said["chain"].as_str().unwrap());
    let report = world.end_of(&chain).await;
    assert_eq!(code(&report, "database"), ReasonCode::Timeout);
    let run = world.spacelift.runs_of("database").remove(0);
    assert_eq!(run.reached(&RunState::Preparing), None, "{run:?}");
    assert!(run.state.is_terminal(), "{run:?}");
    assert!(world.spacelift.runs_of("apps").is_empty());
}

#[tokio::test]
async fn one_changed_upstream_of_several_is_enough() {
    let world = World::start().await;
    world.graph_with(
        "network; same: network; other: network; both: same other; none: same",
        |name, stack| match name {
            "same" => stack.no_changes(),
            "both" | "none" => stack.label("spillway:no-change=skip"),
            _ => stack,
        },
    );
    let root = world.push_to(1, &["network"]).remove(0);
    let report = world.all_succeed(&[root]).await.remove(0);
    world.assert_once(&["same", "other", "both"]);
    assert_eq!(code(&report, "none"), ReasonCode::NoChange);
    assert!(world.spacelift.runs_of("none").is_empty());
}

#[tokio::test]
async fn retries_pause_longer_each_time() {
    const PAUSE: Duration = Duration::from_millis(300);
    let world = World::with_settings(|settings| settings.timing.run_retry_pause = PAUSE).await;
    world.graph_with("network; database: network", |name, stack| match name {
        "database" => stack.label("spillway:retries=3").fails_next(3),
        _ => stack,
    });
    let root = world.push_to(1, &["network"]).remove(0);
    world.all_succeed(&[root]).await;
    let runs = world.spacelift.runs_of("database");
    assert_eq!(runs.len(), 4);
    let mut pause_ms = i64::try_from(PAUSE.as_millis()).unwrap();
    for pair in runs.windows(2) {
        let ended = pair[0].reached(&RunState::Failed).unwrap();
        let waited_ms = pair[1].created_at.millis() - ended.millis();
        assert!(waited_ms >= pause_ms, "{waited_ms} ms, not {pause_ms}");
        pause_ms *= 2;
    }
}

#[tokio::test]
async fn what_a_person_ended_is_not_retried() {
    let world = World::with_settings(|settings| {
        settings.chain.run_retries = 3;
        settings.timing.run_retry_pause = Duration::from_millis(50);
    })
    .await;
    world.graph_confirming(
        "network; database: network; cache: network",
        &["database", "cache"],
    );
    let root = world.push_to(1, &["network"]).remove(0);
    let database = world.wait_for_run("database", &RunState::Unconfirmed).await.run;
    let cache = world.wait_for_run("cache", &RunState::Unconfirmed).await.run;
    world
        .says(&["run", "discard", "database", database.as_str()])
        .await;
    world.spacelift.stop(&cache, "alice");
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Failed);
    world.assert_once(&["database", "cache"]);
    let states = [database, cache].map(|run| world.spacelift.run(&run).unwrap().state);
    assert_eq!(states, [RunState::Discarded, RunState::Stopped]);
}
