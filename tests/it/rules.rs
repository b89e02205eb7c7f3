//! The rules of a chain that need the whole system.

use std::time::Duration;

use chain::ChainResult;
use chain::RunState;
use mock_spacelift::{KEY_ID, Pace};
use temporal_client::contract::ChainReport;

use crate::chain::{EACH_ONCE, diamond};
use crate::world::{PACE, World};

/// A world that looks up runs after a moment.
async fn impatient() -> World {
    World::with_settings(|settings| {
        settings.timing.poll_first = Duration::from_millis(300);
        settings.timing.poll_longest = Duration::from_millis(300);
    })
    .await
}

#[tokio::test]
async fn a_locked_stack_is_waited_for() {
    let world = impatient().await;
    diamond(&world);
    world.spacelift.lock("database", "alice");
    let root = world.spacelift.push("network");
    world
        .wait_for_chain(&root, "a start", |report| report.result == ChainResult::Running)
        .await;
    world
        .spacelift
        .wait_until("cluster to finish", |spacelift| {
            spacelift
                .runs_of("cluster")
                .iter()
                .any(|run| run.state == RunState::Finished)
        })
        .await;
    assert!(world.spacelift.runs_of("database").is_empty());
    world.spacelift.unlock("database");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

#[tokio::test]
async fn a_running_upstream_outside_the_chain_is_waited_for_and_never_triggered() {
    let world = impatient().await;
    world.graph("network; secrets; apps: network secrets");
    // `secrets` runs, and nobody has to confirm it, while the chain of `network` begins.
    world.spacelift.pace(Pace::Manual);
    let root = world.spacelift.push("network");
    let state = || world.spacelift.run(&root).unwrap().state;
    while state() != RunState::Applying {
        world.spacelift.step();
    }
    let outside = world.spacelift.trigger("secrets", "alice");
    while !state().is_terminal() {
        world.spacelift.step();
    }
    world
        .wait_for_chain(&root, "a start", |report| report.result == ChainResult::Running)
        .await;
    world.spacelift.pace(Pace::Every(PACE));
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Succeeded);
    assert_eq!(world.spacelift.runs_of("secrets").len(), 1);
    let apps = world.spacelift.runs_of("apps");
    // `secrets` is a root too: its end starts its own chain, which contains `apps`.
    let finished = world
        .spacelift
        .run(&outside)
        .unwrap()
        .reached(&RunState::Finished)
        .unwrap();
    assert!(apps.iter().all(|run| run.created_at >= finished));
}

#[tokio::test]
async fn a_stack_that_needs_a_confirmation_is_waited_for() {
    let world = impatient().await;
    world.graph_confirming("network; database: network; apps: database", &["database"]);
    let root = world.spacelift.push("network");
    let database = "database".parse().unwrap();
    let run_of_database = |report: &ChainReport| report.record.as_ref()?.stack(&database)?.run.clone();
    let report = world
        .wait_for_chain(&root, "a run of database", |report| {
            run_of_database(report).is_some()
        })
        .await;
    assert_eq!(
        run_of_database(&report),
        Some(world.spacelift.runs_of("database")[0].run.clone())
    );
    world
        .wait_for_chain(&root, "word that it waits", |report| {
            let waiting = report
                .record
                .as_ref()
                .and_then(|record| record.stack(&database)?.note.clone());
            waiting.as_deref() == Some("waits for a confirmation")
        })
        .await;
    world.confirm("database").await;
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Succeeded);
    assert_eq!(report.record.unwrap().stack(&database).unwrap().note, None);
    world.assert_order(&[("network", "database"), ("database", "apps")]);
}

#[tokio::test]
async fn runs_of_our_own_start_no_chain() {
    let world = World::start().await;
    diamond(&world);
    let root = world.spacelift.push("network");
    world.chain_of(&root).await;
    world.wait_for_quiet().await;
    assert_eq!(world.workflows("StackDependencyChainWorkflow").await, 1);
    assert_eq!(world.workflows("StackExecutionWorkflow").await, 3);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

/// The schedule knows its own runs, so this run is somebody else's.
#[tokio::test]
async fn a_foreign_run_of_our_key_starts_a_chain() {
    let world = World::start().await;
    diamond(&world);
    let root = world.spacelift.trigger("network", &format!("api::{KEY_ID}"));
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

#[tokio::test]
async fn stacks_of_the_roots_repository_and_branch_run_its_commit() {
    let world = World::start().await;
    world.graph_with(
        "network; same: network; other: network",
        |name, stack| match name {
            "other" => stack.repository("acme/apps"),
            _ => stack,
        },
    );
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    let commit = |stack: &str| world.spacelift.runs_of(stack)[0].commit.clone();
    assert_eq!(commit("same"), commit("network"));
    assert_ne!(commit("other"), commit("network"));
}

#[tokio::test]
async fn the_limit_of_parallel_runs_is_respected() {
    let world = World::with_settings(|settings| settings.chain.parallel_runs = 2.try_into().unwrap()).await;
    world.graph("network; a: network; b: network; c: network; d: network; e: network");
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    let runs: Vec<_> = world
        .spacelift
        .runs()
        .into_iter()
        .filter(|run| run.run != root)
        .collect();
    assert_eq!(runs.len(), 5);
    for run in &runs {
        let in_flight = runs
            .iter()
            .filter(|other| {
                other.created_at <= run.created_at
                    && other.reached(&RunState::Finished).unwrap() > run.created_at
            })
            .count();
        assert!(
            in_flight <= 2,
            "{in_flight} runs were in flight when {} was made",
            run.run
        );
    }
}
