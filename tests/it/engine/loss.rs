//! The schedule can be lost at any moment, and workers may be many.

use std::time::Duration;

use chain::{RunId, RunState};
use mock_spacelift::{Fault, MockSpacelift};

use crate::chain::{EACH_ONCE, diamond};
use crate::world::World;

/// Where sweeps come soon: they restart a schedule that was lost.
async fn swept() -> World {
    World::with_settings(|settings| settings.sweep_every = Duration::from_secs(1)).await
}

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

#[tokio::test]
async fn a_schedule_lost_before_it_planned_begins_again() {
    let world = swept().await;
    diamond(&world);
    world
        .spacelift
        .fault(Fault::forbidden().on("searchStacks").always());
    let root = world.push_to(1, &["network"]).remove(0);
    world
        .spacelift
        .wait_until("a listing that is refused", |spacelift| {
            refused_listings(spacelift) > 0
        })
        .await;
    world.terminate_schedule().await;
    world.spacelift.clear_faults();
    ends_well(&world, root).await;
}

#[tokio::test]
async fn a_request_is_not_lost_with_a_schedule_that_has_not_planned_it() {
    let world = swept().await;
    diamond(&world);
    world
        .spacelift
        .fault(Fault::forbidden().on("searchStacks").always());
    let body = serde_json::json!({"event": "triggered", "stack_id": "network", "request_id": "change-7"});
    assert_eq!(world.post(&body.to_string()).await.status(), 202);
    world
        .spacelift
        .wait_until("a listing that is refused", |spacelift| {
            refused_listings(spacelift) > 0
        })
        .await;
    world.terminate_schedule().await;
    world.spacelift.clear_faults();
    let chain = chain::ChainId::of_request(&world.account, "change-7");
    let report = world.end_of(&chain).await;
    assert_eq!(report.result, chain::ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

#[tokio::test]
async fn a_schedule_lost_while_a_run_is_under_way_goes_on_with_it() {
    let world = swept().await;
    diamond(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Planning).await;
    world.terminate_schedule().await;
    ends_well(&world, root).await;
}

#[tokio::test]
async fn a_schedule_lost_while_an_attempt_is_under_way_takes_its_run() {
    let world = swept().await;
    diamond(&world);
    let slow = Fault::slow(Duration::from_secs(2)).on("runTrigger").times(2);
    world.spacelift.fault(slow);
    let root = world.push_to(1, &["network"]).remove(0);
    // The run is there, and its attempt still waits for the answer.
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
async fn a_schedule_lost_again_and_again_runs_each_stack_once() {
    let world = swept().await;
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

#[tokio::test]
async fn two_workers_side_by_side_do_the_work_of_one() {
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
