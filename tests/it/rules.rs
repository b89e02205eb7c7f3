//! The rules of a chain that only the whole system can show.

use std::time::Duration;

use chain::ChainResult;
use chain::RunState;
use mock_spacelift::{KEY_ID, NewStack};
use orchestrator::contract::ChainReport;

use crate::chain::{EACH_ONCE, diamond};
use crate::world::World;

/// A world that looks at Spacelift again after a moment.
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
async fn an_upstream_outside_the_chain_that_is_under_way_is_waited_for_and_never_run() {
    let world = impatient().await;
    world.spacelift.add_stack(NewStack::named("network"));
    world
        .spacelift
        .add_stack(NewStack::named("secrets").autodeploy(false));
    world.spacelift.add_stack(
        NewStack::named("apps")
            .depends_on("network")
            .depends_on("secrets"),
    );
    let outside = world.spacelift.trigger("secrets", "alice");
    let root = world.spacelift.push("network");
    world
        .wait_for_chain(&root, "a start", |report| report.result == ChainResult::Running)
        .await;
    world.confirm("secrets").await;
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Succeeded);
    assert_eq!(world.spacelift.runs_of("secrets").len(), 1);
    let apps = world.spacelift.runs_of("apps");
    // `secrets` is a root too: its end starts a chain of its own, with `apps` in it.
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
    world.spacelift.add_stack(NewStack::named("network"));
    world.spacelift.add_stack(
        NewStack::named("database")
            .depends_on("network")
            .autodeploy(false),
    );
    world
        .spacelift
        .add_stack(NewStack::named("apps").depends_on("database"));
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
async fn runs_of_our_own_start_no_chains() {
    let world = World::start().await;
    diamond(&world);
    let root = world.spacelift.push("network");
    world.chain_of(&root).await;
    world.wait_for_quiet().await;
    assert_eq!(world.workflows("StackDependencyChainWorkflow").await, 1);
    assert_eq!(world.workflows("StackExecutionWorkflow").await, 3);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

/// The schedule knows what it made, so such a run is somebody else's.
#[tokio::test]
async fn a_run_of_our_key_that_we_did_not_make_is_a_root() {
    let world = World::start().await;
    diamond(&world);
    let root = world.spacelift.trigger("network", &format!("api::{KEY_ID}"));
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

#[tokio::test]
async fn the_same_repository_and_branch_runs_the_commit_of_the_root() {
    let world = World::start().await;
    world
        .spacelift
        .add_stack(NewStack::named("network").repository("acme/infra").branch("main"));
    world.spacelift.add_stack(
        NewStack::named("same")
            .repository("acme/infra")
            .branch("main")
            .depends_on("network"),
    );
    world.spacelift.add_stack(
        NewStack::named("other")
            .repository("acme/apps")
            .branch("main")
            .depends_on("network"),
    );
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    let commit = |stack: &str| world.spacelift.runs_of(stack)[0].commit.clone();
    assert_eq!(commit("same"), commit("network"));
    assert_ne!(commit("other"), commit("network"));
}

#[tokio::test]
async fn no_more_runs_are_in_flight_than_is_set() {
    let world = World::with_settings(|settings| settings.chain.parallel_runs = 2.try_into().unwrap()).await;
    world.spacelift.add_stack(NewStack::named("network"));
    for stack in ["a", "b", "c", "d", "e"] {
        world
            .spacelift
            .add_stack(NewStack::named(stack).depends_on("network"));
    }
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
