//! Orders of people survive the loss of the schedule and of workers.

use std::time::Duration;

use audit::Action;
use chain::schedule::Control;
use chain::{ChainId, ChainResult, RunId, RunState};
use mock_spacelift::Fault;
use temporal_client::contract::ScheduleMessage;
use temporal_client::id;

use crate::world::{WAIT_MAX, World};

/// A chain in which `database` waits for a lock. There is no worker any more.
async fn locked_without_worker() -> (World, ChainId) {
    let mut world = World::swept().await;
    world.graph("network; database: network");
    world.spacelift.lock("database", "alice");
    let root = world.push_to(1, &["network"]).remove(0);
    let noted = world
        .wait_for_stack(&root, "database", "the note", |stack| stack.note.is_some())
        .await;
    let chain = noted.id;
    world.kill_worker().await;
    (world, chain)
}

async fn cancel(world: &World, chain: &ChainId) {
    let cancelled = world.workflows.control(chain, Control::Cancel, "bob").await;
    assert!(cancelled.unwrap());
}

async fn mark_as_done(world: &World) {
    let done = ScheduleMessage::DoneByHand {
        stack: "database".parse().unwrap(),
        by: "bob".to_owned(),
        reason: None,
    };
    world.signal_schedule(&done).await;
}

/// The chain ends without a run of `database`.
async fn ends_as(world: &World, chain: &ChainId, result: ChainResult) {
    assert_eq!(world.end_of(chain).await.result, result);
    world.wait_for_quiet().await;
    assert!(world.spacelift.runs_of("database").is_empty());
}

#[tokio::test]
async fn a_cancellation_survives_the_loss_of_a_schedule_that_has_not_read_it() {
    let (mut world, chain) = locked_without_worker().await;
    cancel(&world, &chain).await;
    world.terminate_schedule().await;
    world.spacelift.unlock("database");
    world.start_worker();
    ends_as(&world, &chain, ChainResult::Cancelled).await;
}

#[tokio::test]
async fn what_is_marked_as_done_survives_a_rebuild_at_the_same_moment() {
    let (mut world, chain) = locked_without_worker().await;
    mark_as_done(&world).await;
    world.signal_schedule(&ScheduleMessage::Rebuild).await;
    world.start_worker();
    ends_as(&world, &chain, ChainResult::Succeeded).await;
    assert_eq!(world.audited("stack_done_by_hand").await.len(), 1);
}

#[tokio::test]
async fn what_is_marked_as_done_survives_the_loss_of_a_schedule_that_has_not_read_it() {
    let (mut world, chain) = locked_without_worker().await;
    mark_as_done(&world).await;
    world.terminate_schedule().await;
    world.start_worker();
    ends_as(&world, &chain, ChainResult::Succeeded).await;
    assert_eq!(world.audited("stack_done_by_hand").await.len(), 1);
}

#[tokio::test]
async fn a_message_that_no_schedule_can_read_raises_an_alarm_and_blocks_no_other() {
    let (mut world, chain) = locked_without_worker().await;
    world.signal_schedule_without_content().await;
    mark_as_done(&world).await;
    world.terminate_schedule().await;
    world.start_worker();
    ends_as(&world, &chain, ChainResult::Succeeded).await;
    world
        .wait_for_metric(r#"spillway_schedule_alarms_total{alarm="message_dropped"} 1"#)
        .await;
}

#[tokio::test]
async fn orders_to_a_chain_reach_the_schedule_in_their_order_and_an_ended_chain_takes_none() {
    let (mut world, chain) = locked_without_worker().await;
    for control in [Control::Pause, Control::Resume, Control::Pause] {
        let ordered = world.workflows.control(&chain, control, "bob").await;
        assert!(ordered.unwrap());
    }
    world.start_worker();
    let database = "database".parse().unwrap();
    let is_paused = async || {
        let report = world.workflows.stack_report(&world.account, &database).await;
        report
            .unwrap()
            .is_some_and(|report| report.why.contains("paused"))
    };
    while !is_paused().await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let report = world.workflows.chain(&chain).await.unwrap().unwrap();
    assert_eq!(report.result, ChainResult::Paused);
    cancel(&world, &chain).await;
    // The chain may have ended by now.
    let _ = world.workflows.control(&chain, Control::Pause, "carol").await;
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Cancelled);
}

/// The record of the chain continues in another history whenever it has grown, and orders come at any moment.
#[tokio::test]
async fn no_order_is_lost_while_the_chain_continues_in_other_histories() {
    const ORDERS: usize = 20;
    let world = World::with_settings(|settings| settings.timing.history_events = 100).await;
    world.graph_confirming("network; database: network", &["database"]);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    let chain = ChainId::of_root_run(&world.account, &root);
    for _ in 0..ORDERS {
        for (control, result) in [
            (Control::Pause, ChainResult::Paused),
            (Control::Resume, ChainResult::Running),
        ] {
            let ordered = world.workflows.control(&chain, control, "bob").await;
            assert!(ordered.unwrap());
            world
                .wait_for_chain(&root, "what was ordered", |report| report.result == result)
                .await;
        }
    }
    assert!(world.workflows("StackDependencyChainWorkflow").await > 1);
    // Only the open one of its histories is listed, a moment after it began, and can be read at once.
    let listed = async || {
        let listed = world.workflows.chains(5_000).await.unwrap();
        let mut listed: Vec<_> = listed.into_iter().filter(|listed| listed.id == chain).collect();
        assert!(listed.len() <= 1, "{listed:?}");
        listed.pop()
    };
    let listed = tokio::time::timeout(WAIT_MAX, async {
        loop {
            if let Some(listed) = listed().await {
                return listed;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let status = listed.await.expect("it is listed").status;
    let report = world.workflows.report(&chain, status).await.unwrap();
    assert_eq!(report.result, ChainResult::Running);
    world.confirm("database").await;
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Succeeded);
    let entries = crate::audit::entries(&world, &root).await;
    for action in [Action::ChainPaused, Action::ChainResumed] {
        let recorded = entries.iter().filter(|entry| entry.action == action);
        assert_eq!(recorded.count(), ORDERS, "{action}");
    }
}

/// The worker returns after the schedule decided and a person cancelled, and begins with the attempt.
#[tokio::test]
async fn an_attempt_that_waited_for_a_worker_triggers_nothing_for_a_cancelled_chain() {
    let (mut world, chain) = locked_without_worker().await;
    world.start_attempt("database", &[&chain]).await;
    cancel(&world, &chain).await;
    world.spacelift.unlock("database");
    world.start_worker();
    ends_as(&world, &chain, ChainResult::Cancelled).await;
}

#[tokio::test]
async fn a_run_is_ended_although_the_schedule_continues_in_another_history() {
    let world = World::with_settings(|settings| settings.timing.history_events = 100).await;
    world.graph_confirming("network; database: network", &["database"]);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    world
        .spacelift
        .fault(Fault::forbidden().on("RunDiscard").always());
    let chain = ChainId::of_root_run(&world.account, &root);
    let ordered = world
        .workflows
        .control(&chain, Control::CancelAndStopRuns, "bob")
        .await;
    assert!(ordered.unwrap());
    world
        .spacelift
        .wait_until("a discard that is refused", |spacelift| {
            spacelift
                .requests()
                .iter()
                .any(|request| request.is("RunDiscard"))
        })
        .await;
    while world.workflows("StackScheduleWorkflow").await < 2 {
        world.signal_schedule(&ScheduleMessage::Wake).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    world.spacelift.clear_faults();
    world.wait_for_run("database", &RunState::Discarded).await;
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Cancelled);
}

/// A chain that is held by a halt, and its root.
async fn halted() -> (World, RunId) {
    let world = World::start().await;
    let root = halt(&world).await;
    (world, root)
}

async fn halt(world: &World) -> RunId {
    world.graph_confirming("network; database: network", &["network"]);
    let root = world.push_to(1, &["network"]).remove(0);
    world.workflows.halt(&world.account, "alice").await.unwrap();
    world.confirm("network").await;
    world
        .wait_for_chain(&root, "a plan", |report| report.record.is_some())
        .await;
    root
}

#[tokio::test]
async fn a_halt_during_the_lifting_of_another_lasts() {
    let (mut world, root) = halted().await;
    world.kill_worker().await;
    assert!(world.workflows.lift_halt(&world.account, "bob").await.unwrap());
    world.workflows.halt(&world.account, "carol").await.unwrap();
    world.start_worker();
    let halt = world.workflows.halt_of(&world.account).await.unwrap();
    assert_eq!(halt.unwrap().by, "carol");
    let report = world.workflows.schedule_report(&world.account).await.unwrap();
    assert_eq!(report.unwrap().halted_by.as_deref(), Some("carol"));
    assert!(world.workflows.is_halted(&world.account).await.unwrap());
    assert!(world.spacelift.runs_of("database").is_empty());
    assert!(world.workflows.lift_halt(&world.account, "bob").await.unwrap());
    world.all_succeed(&[root]).await;
}

#[tokio::test]
async fn the_sweep_finds_a_halt_that_is_over() {
    let world = World::swept().await;
    let root = halt(&world).await;
    world.terminate(&id::halt(&world.account)).await;
    world.all_succeed(&[root]).await;
}

#[tokio::test]
async fn a_lifting_that_was_interrupted_can_be_repeated() {
    let (world, root) = halted().await;
    // The halt is over, and the schedule was not told.
    world.terminate(&id::halt(&world.account)).await;
    assert!(world.workflows.lift_halt(&world.account, "bob").await.unwrap());
    world.all_succeed(&[root]).await;
    assert!(!world.workflows.lift_halt(&world.account, "bob").await.unwrap());
}

/// It may have been read before the root of a later chain ended.
#[tokio::test]
async fn a_listing_from_before_a_rebuild_plans_nothing_after_it() {
    let world = World::start().await;
    world.graph("network; database: network; cloud");
    // Stacks are read before policies.
    world
        .spacelift
        .fault(Fault::slow(Duration::from_secs(6)).on("policies").times(2));
    let first = world.push_to(1, &["network"]).remove(0);
    world
        .spacelift
        .wait_until("the stacks to be read", |spacelift| {
            spacelift.requests().iter().any(|request| request.is("policies"))
        })
        .await;
    world.graph("late: cloud");
    world.signal_schedule(&ScheduleMessage::Rebuild).await;
    let second = world.push_to(2, &["cloud"]).remove(0);
    world.all_succeed(&[first, second]).await;
    world.assert_once(&["network", "database", "cloud", "late"]);
}
