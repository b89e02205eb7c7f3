//! Cancel, pause and halt affect everything that has no run yet.

use std::time::Duration;

use chain::schedule::Control;
use chain::{ChainId, ChainResult, RunId, RunState, StackProgress, StackState};
use temporal_client::Ordered;
use temporal_client::contract::ScheduleMessage;

use crate::chain::diamond;
use crate::world::World;

fn chain_of(world: &World, root: &RunId) -> ChainId {
    ChainId::of_root_run(&world.account, root)
}

#[tokio::test]
async fn a_locked_stack_of_a_cancelled_chain_does_not_run_once_unlocked() {
    let world = World::start().await;
    world.graph("network; database: network; other; apps: other");
    world.spacelift.lock("database", "alice");
    let root = world.push_to(1, &["network"]).remove(0);
    world
        .wait_for_stack(&root, "database", "the note", |stack| stack.note.is_some())
        .await;
    let chain = chain_of(&world, &root);
    assert!(
        world
            .workflows
            .control(&chain, Control::Cancel, "bob")
            .await
            .unwrap()
    );
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Cancelled);
    world.spacelift.unlock("database");
    // The schedule has decided since then.
    let next = world.push_to(2, &["other"]);
    world.all_succeed(&next).await;
    assert!(world.spacelift.runs_of("database").is_empty());
}

#[tokio::test]
async fn a_stack_of_a_paused_chain_runs_for_another_chain_and_that_run_counts() {
    let world = World::start().await;
    world.graph_confirming(
        "network; database: network; other; apps: database other",
        &["database"],
    );
    let first = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    let paused = world
        .wait_for_chain(&first, "a start", |report| report.result == ChainResult::Running)
        .await
        .id;
    assert!(
        world
            .workflows
            .control(&paused, Control::Pause, "alice")
            .await
            .unwrap()
    );
    world
        .wait_for_chain(&first, "a pause", |report| report.result == ChainResult::Paused)
        .await;
    world.confirm("database").await;
    let has_succeeded = |stack: &StackProgress| stack.state == StackState::Succeeded;
    world
        .wait_for_stack(&first, "database", "the end", has_succeeded)
        .await;
    assert!(world.spacelift.runs_of("apps").is_empty());
    // Times are whole seconds: a run that should count has to begin in a later one.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let second = world.push_to(2, &["other"]);
    world.all_succeed(&second).await;
    assert_eq!(world.commits_of("apps"), [Some(2)]);
    assert!(
        world
            .workflows
            .control(&paused, Control::Resume, "alice")
            .await
            .unwrap()
    );
    let report = world.all_succeed(&[first]).await.remove(0);
    let apps = report
        .record
        .unwrap()
        .stack(&"apps".parse().unwrap())
        .unwrap()
        .clone();
    assert_eq!(apps.run, Some(world.spacelift.runs_of("apps")[0].run.clone()));
    assert_eq!(world.spacelift.runs_of("apps").len(), 1);
}

#[tokio::test]
async fn a_halt_stops_every_trigger_until_it_is_lifted() {
    let world = World::start().await;
    diamond(&world);
    world.graph_confirming("other; apps: other", &["other"]);
    let other = world.push_to(1, &["other"]).remove(0);
    world.wait_for_run("other", &RunState::Unconfirmed).await;
    let halt = Ordered {
        by: "alice".to_owned(),
        reason: Some("incident 7".to_owned()),
    };
    world.workflows.halt(&world.account, halt).await.unwrap();
    let root = world.push_to(2, &["network"]).remove(0);
    world.confirm("other").await;
    for run in [&root, &other] {
        world
            .wait_for_chain(run, "a plan", |report| report.record.is_some())
            .await;
    }
    let report = world.workflows.schedule_report(&world.account).await.unwrap();
    assert_eq!(report.unwrap().halted_by.as_deref(), Some("alice"));
    let shown = world.says(&["schedule", "show"]).await;
    assert!(shown.contains("Halted by alice: incident 7."), "{shown}");
    // A lost schedule is halted as well.
    world.terminate_schedule().await;
    world.signal_schedule(&ScheduleMessage::Wake).await;
    let is_rebuilt = async || {
        let report = world.workflows.schedule_report(&world.account).await.unwrap();
        report.is_some_and(|report| {
            report.chains.len() == 2 && report.halted().as_deref() == Some("alice: incident 7")
        })
    };
    while !is_rebuilt().await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for stack in ["database", "cluster", "platform", "apps"] {
        assert!(world.spacelift.runs_of(stack).is_empty(), "{stack}");
    }
    assert!(world.workflows.lift_halt(&world.account, "bob").await.unwrap());
    world.all_succeed(&[root, other]).await;
    assert!(world.runs_per_stack().iter().all(|(_, runs)| *runs == 1));
    assert!(!world.workflows.lift_halt(&world.account, "bob").await.unwrap());
}
