//! A fault is not an outcome, and the number of requests to Spacelift is limited.

use std::time::Duration;

use chain::ChainResult;
use mock_spacelift::{Fault, MockSpacelift, RequestRecord};

use crate::chain::{EACH_ONCE, diamond};
use crate::world::World;

/// A world with short pauses, so that many attempts fit into a test.
async fn impatient() -> World {
    World::with_settings(|settings| settings.timing.trigger_backoff = Duration::from_millis(5)).await
}

/// The number of answers with this status.
fn answers(spacelift: &MockSpacelift, status: u16) -> usize {
    let requests = spacelift.requests();
    requests
        .iter()
        .filter(|request| request.status == Some(status))
        .count()
}

#[tokio::test]
async fn a_forbidden_listing_is_retried() {
    for times in [3, 10] {
        let world = impatient().await;
        diamond(&world);
        world
            .spacelift
            .fault(Fault::forbidden().on("searchStacks").times(times));
        let roots = world.push_to(1, &["network"]);
        world.all_succeed(&roots).await;
        assert_eq!(world.runs_per_stack(), EACH_ONCE);
        assert_eq!(answers(&world.spacelift, 403), times);
    }
}

#[tokio::test]
async fn an_outage_of_spacelift_fails_nothing_and_then_everything_runs_once() {
    for begun in [false, true] {
        let world = impatient().await;
        diamond(&world);
        if begun {
            world.push_to(1, &["network"]);
            world
                .spacelift
                .wait_until("database to be triggered", |spacelift| {
                    !spacelift.runs_of("database").is_empty()
                })
                .await;
        }
        world.spacelift.fault(Fault::status(503).always());
        let roots = if begun {
            vec![world.spacelift.runs_of("network")[0].run.clone()]
        } else {
            world.push_to(1, &["network"])
        };
        world
            .spacelift
            .wait_until("many answers with 503", |spacelift| answers(spacelift, 503) >= 10)
            .await;
        world.spacelift.clear_faults();
        world.all_succeed(&roots).await;
        assert_eq!(world.runs_per_stack(), EACH_ONCE, "begun: {begun}");
    }
}

#[tokio::test]
async fn thirty_roots_that_end_together_cost_at_most_two_listings() {
    const ROOTS: usize = 30;
    const OTHERS: usize = 140;
    const PAGE: usize = 50;
    let mut world = World::start().await;
    let roots: Vec<String> = (0..ROOTS).map(|number| format!("root-{number}")).collect();
    let leaves: Vec<String> = roots
        .iter()
        .map(|root| format!("leaf-of-{root}: {root}"))
        .collect();
    let others: Vec<String> = (0..OTHERS).map(|number| format!("other-{number}")).collect();
    world.graph(&format!(
        "{}; {}; {}",
        roots.join("; "),
        leaves.join("; "),
        others.join("; ")
    ));
    let names: Vec<&str> = roots.iter().map(String::as_str).collect();
    // A page takes as long as a real one of Spacelift's.
    let slow = Fault::slow(Duration::from_millis(300)).on("searchStacks");
    world.spacelift.fault(slow.always());
    // They end while no worker is up, so that it receives all ends at once, however busy the machine is.
    world.kill_worker().await;
    let runs = world.push_to(1, &names);
    world
        .spacelift
        .wait_until("all roots to finish", |spacelift| {
            spacelift.runs().iter().all(|run| run.state.is_terminal())
        })
        .await;
    world.start_worker();
    world.all_succeed(&runs).await;
    assert_eq!(world.spacelift.runs().len(), 2 * ROOTS);
    let requests = world.spacelift.requests();
    let is_listing = |request: &&RequestRecord| request.is("searchStacks");
    let pages = requests.iter().filter(is_listing).count();
    let pages_of_one = (2 * ROOTS + OTHERS).div_ceil(PAGE);
    assert!(
        pages <= 2 * pages_of_one,
        "{pages} pages, {pages_of_one} for a listing"
    );
    let rest = requests.len() - pages;
    assert!(rest <= 4 * 2 * ROOTS, "{rest} requests for {} stacks", 2 * ROOTS);
}

#[tokio::test]
async fn the_run_of_a_lost_worker_is_found_although_the_next_look_fails() {
    for fault in [Fault::internal_error(), Fault::graphql_error("no")] {
        let mut world = World::start().await;
        world.graph("vpc; db: vpc");
        world.spacelift.fail_next("db");
        let slow = Fault::slow_after(Duration::from_secs(60));
        world.spacelift.fault(slow.on("runTrigger"));
        let root = world.spacelift.push("vpc");
        world
            .spacelift
            .wait_until("the trigger", |spacelift| !spacelift.runs_of("db").is_empty())
            .await;
        world.kill_worker().await;
        world.spacelift.fault(fault.on("StackWithRuns"));
        world.start_worker();
        assert_eq!(world.chain_of(&root).await.result, ChainResult::Failed);
        assert_eq!(world.runs_per_stack(), [("db", 1), ("vpc", 1)]);
    }
}
