//! From the end of a run to the end of its chain.

use chain::{ChainResult, ReasonCode, StackState};
use temporal_client::contract::ChainReport;

use crate::world::World;

/// `network <- database, cluster <- platform`.
pub(crate) fn diamond(world: &World) {
    world.graph("network; database: network; cluster: network; platform: database cluster");
}

/// `network <- a <-> b`.
pub(crate) fn cycle(world: &World) {
    world.graph("network; a: network b; b: a");
}

pub(crate) const EACH_ONCE: [(&str, usize); 4] =
    [("cluster", 1), ("database", 1), ("network", 1), ("platform", 1)];

#[tokio::test]
async fn a_diamond_runs_each_stack_once_in_order() {
    let world = World::start().await;
    diamond(&world);
    let root = world.spacelift.push("network");
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
    world.assert_order(&[
        ("network", "database"),
        ("network", "cluster"),
        ("database", "platform"),
        ("cluster", "platform"),
    ]);
}

#[tokio::test]
async fn stacks_downstream_of_a_failure_are_skipped_and_the_others_run() {
    let world = World::start().await;
    diamond(&world);
    world.graph("apps: platform; dns: cluster");
    world.spacelift.fail_next("database");
    let root = world.spacelift.push("network");
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Failed);
    assert_eq!(
        world.runs_per_stack(),
        [("cluster", 1), ("database", 1), ("dns", 1), ("network", 1)]
    );
    let walk = report.record.unwrap();
    let state = |stack: &str| walk.stack(&stack.parse().unwrap()).unwrap().clone();
    assert_eq!(state("database").state, StackState::Failed);
    assert_eq!(state("dns").state, StackState::Succeeded);
    for skipped in ["platform", "apps"] {
        assert_eq!(state(skipped).state, StackState::Skipped, "{skipped}");
        assert_eq!(
            state(skipped).reason.unwrap().code,
            ReasonCode::UpstreamFailed,
            "{skipped}"
        );
    }
}

#[tokio::test]
async fn a_cycle_is_refused_and_named_before_anything_is_triggered() {
    let world = World::start().await;
    cycle(&world);
    let root = world.spacelift.push("network");
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Refused);
    let reason = report.reason.unwrap();
    assert_eq!(reason.code.to_string(), "cycle");
    assert!(
        reason.text.contains("`a`") && reason.text.contains("`b`"),
        "{reason}"
    );
    assert_eq!(world.runs_per_stack(), [("network", 1)]);
}

#[tokio::test]
async fn dependents_of_a_run_without_changes_still_run() {
    let world = World::start().await;
    world.graph_with(
        "network; database: network; apps: database",
        |name, stack| match name {
            "apps" => stack,
            _ => stack.no_changes(),
        },
    );
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(
        world.runs_per_stack(),
        [("apps", 1), ("database", 1), ("network", 1)]
    );
}

fn runs_database(report: &ChainReport) -> bool {
    let database = "database".parse().unwrap();
    let record = report.record.as_ref().unwrap();
    record.stack(&database).unwrap().state == StackState::Running
}

#[tokio::test]
async fn a_paused_chain_starts_nothing_until_it_is_resumed() {
    use chain::schedule::Control;
    let world = World::start().await;
    world.graph_confirming("network; database: network; apps: database", &["database"]);
    let root = world.spacelift.push("network");
    let chain = world
        .wait_for_chain(&root, "a run of database", runs_database)
        .await
        .id;
    assert!(
        world
            .workflows
            .control(&chain, Control::Pause, "alice")
            .await
            .unwrap()
    );
    world
        .wait_for_chain(&root, "a pause", |report| report.result == ChainResult::Paused)
        .await;
    world.confirm("database").await;
    let database = "database".parse().unwrap();
    world
        .wait_for_chain(&root, "the end of database", |report| {
            let walk = report.record.as_ref().unwrap();
            walk.stack(&database).unwrap().state == StackState::Succeeded
        })
        .await;
    assert!(world.spacelift.runs_of("apps").is_empty());
    assert!(
        world
            .workflows
            .control(&chain, Control::Resume, "alice")
            .await
            .unwrap()
    );
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.spacelift.runs_of("apps").len(), 1);
}

#[tokio::test]
async fn a_cancelled_chain_lets_runs_finish_and_skips_the_rest() {
    use chain::schedule::Control;
    let world = World::start().await;
    world.graph_confirming("network; database: network; apps: database", &["database"]);
    let root = world.spacelift.push("network");
    let chain = world
        .wait_for_chain(&root, "a run of database", runs_database)
        .await
        .id;
    assert!(
        world
            .workflows
            .control(&chain, Control::Cancel, "alice")
            .await
            .unwrap()
    );
    world
        .wait_for_chain(&root, "a cancellation", |report| {
            report.record.as_ref().unwrap().cancelled().is_some()
        })
        .await;
    world.confirm("database").await;
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Cancelled);
    let walk = report.record.unwrap();
    assert_eq!(
        walk.stack(&"database".parse().unwrap()).unwrap().state,
        StackState::Succeeded
    );
    let apps = walk.stack(&"apps".parse().unwrap()).unwrap();
    assert_eq!(apps.state, StackState::Skipped);
    assert_eq!(
        apps.reason.as_ref().unwrap().text,
        "the chain was cancelled by alice"
    );
    assert!(world.spacelift.runs_of("apps").is_empty());
}
