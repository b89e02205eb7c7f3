//! Temporal crashes and restarts with its data, and workers change while something asks for the state of a workflow.

use std::time::Duration;

use chain::{ChainId, ChainResult, RunState};
use mock_spacelift::Fault;
use temporal_client::contract::{ChainReport, ScheduleMessage};
use temporal_client::id;

use crate::outage::Temporal;
use crate::world::World;

/// The query with which an attempt looks at its stack.
const LOOK: &str = "StackWithRuns";
/// Shorter than the pause between heartbeats, whose answer would end the attempt.
const SLOW: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_chain_continues_after_temporal_was_killed_and_restarted() {
    let mut temporal = Temporal::start().await;
    let world = World::beside(&temporal.address(), |_| {}).await;
    world.graph_confirming("network; database: network; apps: database", &["database"]);
    let root = world.spacelift.push("network");
    world
        .wait_for_chain(&root, "a start", |report| report.result == ChainResult::Running)
        .await;

    temporal.kill().await;
    temporal.start_again().await;

    world.confirm("database").await;
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(
        world.runs_per_stack(),
        [("apps", 1), ("database", 1), ("network", 1)]
    );
}

/// Temporal gives up an attempt whose worker stood still, for example because its machine was paused, and another attempt
/// triggers the run. Here the execution of the first attempt is terminated while it waits for an answer.
#[tokio::test]
async fn an_attempt_that_temporal_gave_up_triggers_nothing() {
    let world = World::start().await;
    world.graph_confirming("network; database: network; apps: database", &["database"]);
    let slow = Fault::slow_after(SLOW).on(LOOK).times(1);
    world.spacelift.fault(slow);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_attempt("database").await;
    let execution = id::execution(&world.account, &"database".parse().unwrap());
    world.terminate(&execution).await;
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    // The first attempt goes on, and nothing shows when it is over.
    tokio::time::sleep(SLOW).await;
    world.confirm("database").await;
    world.all_succeed(&[root]).await;
    world.assert_once(&["network", "database", "apps"]);
}

/// Temporal sends the query to the next worker together with messages for which no workflow task has begun.
#[tokio::test]
async fn a_query_while_workers_change_does_not_change_what_is_decided() {
    let mut world = World::start().await;
    world.graph_confirming("network; database: network; apps: database", &["database"]);
    let root = world.spacelift.push("network");
    let is_waiting = |report: &ChainReport| {
        let record = report.record.as_ref();
        record.is_some_and(|record| record.progress().iter().any(|stack| stack.note.is_some()))
    };
    world.wait_for_chain(&root, "a confirmation", is_waiting).await;
    world.kill_worker().await;

    let (workflows, account) = (world.workflows.clone(), world.account.clone());
    let asked = tokio::spawn(async move { workflows.schedule_report(&account).await });
    // The query has to arrive before the message, and nothing shows that it did.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (by, reason) = ("carol".to_owned(), None);
    let halted = ScheduleMessage::Halted {
        by: by.clone(),
        reason: reason.clone(),
    };
    world.signal_schedule(&halted).await;
    world.start_worker();
    let report = asked.await.unwrap().unwrap().expect("the schedule is open");
    let chain = ChainId::of_root_run(&world.account, &root);
    assert!(report.chains.contains(&chain), "{report:?}");
    wait_for_halt(&world, true).await;
    let resumed = ScheduleMessage::Resumed { by, reason };
    world.signal_schedule(&resumed).await;
    wait_for_halt(&world, false).await;

    // The next worker replays what was decided.
    world.kill_worker().await;
    world.start_worker();
    world.confirm("database").await;
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
}

/// Waits until the schedule has processed a halt, or its end.
async fn wait_for_halt(world: &World, is_halted: bool) {
    loop {
        // A query that comes before its workflow task fails.
        if let Ok(Some(report)) = world.workflows.schedule_report(&world.account).await
            && report.halted_by.is_some() == is_halted
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
