//! The schedule can be lost at any moment, and there can be several workers.

use std::time::Duration;

use chain::{RunId, RunState, StackProgress, StackState};
use mock_spacelift::{Fault, MockSpacelift, WebhookFault};
use temporal_client::id;

use crate::chain::{EACH_ONCE, diamond};
use crate::world::{World, now_s};

async fn ends_well(world: &World, root: RunId) {
    world.all_succeed(&[root]).await;
    world.wait_for_quiet().await;
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

fn refused_listings(spacelift: &MockSpacelift) -> usize {
    let requests = spacelift.requests();
    let refused = requests
        .iter()
        .filter(|request| request.is("searchStacks") && request.status == Some(403));
    refused.count()
}

/// Spacelift refuses to list the stacks, so that nothing is planned.
fn refuse_listings(world: &World) {
    world
        .spacelift
        .fault(Fault::forbidden().on("searchStacks").always());
}

/// The schedule is lost once it has tried to plan.
async fn lose_unplanned(world: &World) {
    world
        .spacelift
        .wait_until("a listing that is refused", |spacelift| {
            refused_listings(spacelift) > 0
        })
        .await;
    world.terminate_schedule().await;
    world.spacelift.clear_faults();
}

#[tokio::test]
async fn a_schedule_lost_before_planning_starts_over() {
    let world = World::swept().await;
    diamond(&world);
    refuse_listings(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    lose_unplanned(&world).await;
    ends_well(&world, root).await;
}

/// The sweep looks back twelve hours. The root waited longer for its confirmation.
#[tokio::test]
async fn an_old_root_survives_the_loss_of_a_schedule_that_has_not_planned_it() {
    let world = World::swept().await;
    world.graph_confirming("network; database: network", &["network"]);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("network", &RunState::Unconfirmed).await;
    world.spacelift.age(&root, Duration::from_secs(13 * 3600));
    refuse_listings(&world);
    world.confirm("network").await;
    lose_unplanned(&world).await;
    world.all_succeed(&[root]).await;
    world.assert_once(&["network", "database"]);
}

#[tokio::test]
async fn an_unplanned_request_survives_the_loss_of_the_schedule() {
    let world = World::swept().await;
    diamond(&world);
    refuse_listings(&world);
    let body = crate::request::request("change-7");
    assert_eq!(world.post(&body).await.status(), 202);
    lose_unplanned(&world).await;
    let chain = chain::ChainId::of_request(&world.account, "change-7");
    let report = world.end_of(&chain).await;
    assert_eq!(report.result, chain::ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

#[tokio::test]
async fn an_unplanned_root_survives_rebuilds_and_the_loss_of_the_schedule() {
    let world = World::swept().await;
    diamond(&world);
    refuse_listings(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    for _ in 0..2 {
        let refused = refused_listings(&world.spacelift);
        while refused_listings(&world.spacelift) == refused {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let said = world.spillway(&["schedule", "rebuild"]).await;
        assert!(said.status.success(), "{said:?}");
    }
    lose_unplanned(&world).await;
    ends_well(&world, root).await;
}

/// The record gets a success together with the next stack's run, and the schedule is lost before there is one.
#[tokio::test]
async fn a_success_that_is_not_recorded_yet_survives_the_loss_of_the_schedule() {
    let world = World::swept().await;
    world.graph_confirming("network; database: network; apps: database", &["database"]);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    let slow = Fault::slow(Duration::from_secs(8)).on("StackWithRuns").times(1);
    world.spacelift.fault(slow);
    world.confirm("database").await;
    world.wait_for_attempt("apps").await;
    let is_open = |stack: &StackProgress| stack.state == StackState::Running;
    world.wait_for_stack(&root, "database", "the run", is_open).await;
    world.terminate_schedule().await;
    world.all_succeed(&[root]).await;
    world.wait_for_quiet().await;
    world.assert_once(&["network", "database", "apps"]);
}

/// It ended before there was a stack that depends on it.
#[tokio::test]
async fn a_root_that_had_nothing_to_do_starts_no_chain_after_a_loss() {
    for is_ordered in [false, true] {
        let world = World::swept().await;
        world.graph("network; dns; apps: dns");
        world.push_to(1, &["network"]);
        world.wait_for_run("network", &RunState::Finished).await;
        world.wait_for_quiet().await;
        let root = world.push_to(2, &["dns"]).remove(0);
        world.all_succeed(&[root]).await;
        world.graph("database: network");
        if is_ordered {
            let said = world.spillway(&["schedule", "rebuild"]).await;
            assert!(said.status.success(), "{said:?}");
        } else {
            world.terminate_schedule().await;
        }
        let root = world.push_to(3, &["dns"]).remove(0);
        world.all_succeed(&[root]).await;
        world.wait_for_quiet().await;
        assert!(world.spacelift.runs_of("database").is_empty(), "{is_ordered}");
    }
}

#[tokio::test]
async fn a_schedule_lost_during_a_run_continues_with_the_run() {
    let world = World::swept().await;
    diamond(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Planning).await;
    world.terminate_schedule().await;
    ends_well(&world, root).await;
}

#[tokio::test]
async fn a_schedule_lost_during_an_attempt_uses_the_run_of_the_attempt() {
    let world = World::swept().await;
    diamond(&world);
    let slow = Fault::slow(Duration::from_secs(2)).on("runTrigger").times(2);
    world.spacelift.fault(slow);
    let root = world.push_to(1, &["network"]).remove(0);
    // The run exists, and its attempt still waits for the answer.
    world
        .spacelift
        .wait_until("database to be triggered", |spacelift| {
            !spacelift.runs_of("database").is_empty()
        })
        .await;
    world.terminate_schedule().await;
    ends_well(&world, root).await;
}

#[tokio::test]
async fn a_schedule_lost_repeatedly_runs_each_stack_once() {
    let world = World::swept().await;
    diamond(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    for stack in ["network", "cluster", "database", "platform"] {
        for state in [RunState::Queued, RunState::Planning, RunState::Finished] {
            world.wait_for_run(stack, &state).await;
            world.terminate_schedule().await;
        }
    }
    ends_well(&world, root).await;
}

/// No webhook reports the end of the run.
#[tokio::test]
async fn a_sweep_replaces_a_follower_that_was_terminated() {
    let world = World::swept().await;
    world.graph_confirming("network; database: network", &["network"]);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("network", &RunState::Unconfirmed).await;
    world.wait_for_followers(1).await;
    world.terminate(&id::follow_run(&world.account, &root)).await;
    world.spacelift.webhook_fault(WebhookFault::lost().always());
    world.confirm("network").await;
    world.all_succeed(&[root]).await;
    world.assert_once(&["network", "database"]);
}

/// The test opens the chain, so the schedule does not know it.
#[tokio::test]
async fn a_chain_unknown_to_the_schedule_is_found_and_run() {
    let world = World::swept().await;
    diamond(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    let report = world.all_succeed(&[root]).await.remove(0);
    let mut plan = report.record.unwrap().chain().clone();
    plan.root.ended_at_s = Some(i64::try_from(now_s()).unwrap());
    let unknown = chain::ChainId::of_request(&world.account, "unknown");
    world.open_chain(&unknown, plan).await;
    let report = world.end_of(&unknown).await;
    assert_eq!(report.result, chain::ChainResult::Succeeded);
    for stack in ["database", "cluster", "platform"] {
        assert_eq!(world.spacelift.runs_of(stack).len(), 2, "{stack}");
    }
    assert_eq!(world.spacelift.runs_of("network").len(), 1);
    world
        .wait_for_metric(r#"spillway_schedule_alarms_total{alarm="repaired"}"#)
        .await;
}

/// The test starts the execution, so the schedule does not know the attempt. Its run counts as ours.
#[tokio::test]
async fn an_attempt_unknown_to_the_schedule_is_waited_for() {
    let world = World::swept().await;
    diamond(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    world.all_succeed(&[root]).await;
    // Long enough for two looks of a sweep, even on a busy machine.
    let slow = Fault::slow(Duration::from_secs(20)).on("runTrigger").times(1);
    world.spacelift.fault(slow);
    world.start_attempt("database", &[]).await;
    world
        .wait_for_metric(r#"spillway_schedule_alarms_total{alarm="repaired"}"#)
        .await;
    world
        .spacelift
        .wait_until("the second run to end", |spacelift| {
            let runs = spacelift.runs_of("database");
            runs.len() == 2 && runs.iter().all(|run| run.state.is_terminal())
        })
        .await;
    world.wait_for_quiet().await;
    // It starts no chain, so its dependents do not run again.
    assert_eq!(world.spacelift.runs_of("platform").len(), 1);
}

#[tokio::test]
async fn two_workers_run_each_stack_once() {
    let world = World::start().await;
    let _another = world.another_worker();
    world.graph("network; dns; database: network; cluster: network dns; apps: database cluster; tail: apps");
    for number in 1..=3 {
        let roots = world.push_to(number, &["network", "dns"]);
        world.all_succeed(&roots).await;
    }
    for stack in ["database", "cluster", "apps", "tail"] {
        assert_eq!(world.commits_of(stack), [Some(1), Some(2), Some(3)], "{stack}");
    }
}

#[tokio::test]
async fn a_terminated_request_does_not_prevent_a_rebuild() {
    let world = World::swept().await;
    diamond(&world);
    // No request can reach the schedule, since its stack cannot be looked at. Chains do not look at individual stacks.
    world.spacelift.fault(Fault::forbidden().on("Stack").always());
    for request in ["ended", "stuck"] {
        let body = crate::request::request(request).replace("network", "cluster");
        assert_eq!(world.post(&body).await.status(), 202);
    }
    world
        .spacelift
        .wait_until("looks for both requests that are refused", |spacelift| {
            let requests = spacelift.requests();
            let refused = requests
                .iter()
                .filter(|request| request.is("Stack") && request.status == Some(403));
            refused.count() >= 2
        })
        .await;
    let ended = id::follow_request(&world.account, "ended");
    world.terminate(&ended).await;
    assert_eq!(world.workflows.end_of_follower(&ended).await.unwrap(), None);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Planning).await;
    world.terminate_schedule().await;
    world.all_succeed(&[root]).await;
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
    // The open request continues when it can.
    world.spacelift.clear_faults();
    let chain = chain::ChainId::of_request(&world.account, "stuck");
    assert_eq!(world.end_of(&chain).await.result, chain::ChainResult::Succeeded);
    world.assert_once(&["network", "database"]);
    assert_eq!(world.spacelift.runs_of("cluster").len(), 2);
}

#[tokio::test]
async fn the_schedule_can_be_rebuilt_repeatedly_during_runs() {
    let world = World::swept().await;
    world.graph("network; database: network; cluster: network; platform: database cluster; apps: platform");
    let root = world.push_to(1, &["network"]).remove(0);
    for stack in ["database", "platform", "apps"] {
        world.wait_for_run(stack, &RunState::Planning).await;
        let said = world.spillway(&["schedule", "rebuild"]).await;
        assert!(said.status.success(), "{said:?}");
    }
    world.all_succeed(&[root]).await;
    world.wait_for_quiet().await;
    world.assert_once(&["database", "cluster", "platform", "apps"]);
}

#[tokio::test]
async fn a_chain_that_does_not_answer_blocks_no_other() {
    let world = World::swept().await;
    diamond(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Planning).await;
    let unreadable = chain::ChainId::of_request(&world.account, "unreadable");
    world.open_unreadable_chain(&unreadable).await;
    world.terminate_schedule().await;
    world.all_succeed(&[root]).await;
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
    world
        .wait_for_metric(r#"spillway_schedule_alarms_total{alarm="chain_silent"}"#)
        .await;
}
