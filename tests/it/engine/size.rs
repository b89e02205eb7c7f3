//! Large accounts: requests to Spacelift, and what is sent to Temporal.

use std::time::Duration;

use chain::{ChainId, ChainStack, RunState};
use mock_spacelift::MockSpacelift;
use temporal_client::contract::ScheduleMessage;

use crate::world::{WAIT_MAX, World};

/// The default budget of requests in a minute.
const BUDGET: usize = 600;
/// How many items Spacelift's searches return at once.
const PAGE: usize = 50;

fn searches(spacelift: &MockSpacelift, operation: &str) -> usize {
    let requests = spacelift.requests();
    requests.iter().filter(|request| request.is(operation)).count()
}

/// Adds stacks on which nothing depends.
fn others(world: &World, count: usize) {
    let stacks: Vec<String> = (0..count).map(|number| format!("other-{number:04}")).collect();
    world.graph(&stacks.join("; "));
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
async fn many_roots_of_a_large_account_are_planned_within_the_budget_of_a_minute() {
    const STACKS: usize = 2_000;
    const ROOTS: usize = 150;
    let world = World::start().await;
    let roots: Vec<String> = (0..ROOTS).map(|number| format!("root-{number:03}")).collect();
    let graph: Vec<String> = roots
        .iter()
        .map(|root| format!("{root}; below-{root}: {root}"))
        .collect();
    world.graph(&graph.join("; "));
    others(&world, STACKS - 2 * ROOTS);
    let roots: Vec<&str> = roots.iter().map(String::as_str).collect();
    world.push_to(1, &roots);
    world
        .wait_for_workflows("StackDependencyChainWorkflow", ROOTS)
        .await;
    let requests = world.spacelift.requests().len();
    let pages = searches(&world.spacelift, "searchStacks");
    println!(
        "{ROOTS} roots of {STACKS} stacks: {requests} requests until all were planned, {pages} pages of stacks"
    );
    assert!(requests <= BUDGET, "{requests} requests, {pages} pages of stacks");
    // Those that end during a listing share the next one.
    assert!(pages <= 3 * STACKS / PAGE, "{pages} pages of stacks");
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
async fn a_sweep_costs_requests_for_new_and_open_runs_alone() {
    const STACKS: usize = 500;
    /// These pages and a few requests more: a sweep may be under way at each end of the count.
    const MORE: usize = 2;
    const SWEEPS: usize = 4;
    let world = World::swept().await;
    world.graph_confirming("waiting", &["waiting"]);
    others(&world, STACKS);
    let requests_of_sweep = async || {
        let sweeps = world.sweeps().await;
        let before = world.spacelift.requests().len();
        world.wait_for_sweeps(sweeps + SWEEPS).await;
        (world.spacelift.requests().len() - before).div_ceil(SWEEPS)
    };
    let idle = requests_of_sweep().await;
    world.push_to(1, &["waiting"]);
    world.wait_for_run("waiting", &RunState::Unconfirmed).await;
    let open = requests_of_sweep().await;
    println!("a sweep of {STACKS} stacks: {idle} requests without a run, {open} with an open one");
    assert!(idle <= 1 + MORE, "{idle} requests");
    assert!(open <= 2 + MORE, "{open} requests");
    assert_eq!(searches(&world.spacelift, "searchStacks"), 0);
}

/// Together, their records are larger than what Temporal accepts as the answer of an activity: 2 MiB.
#[tokio::test]
async fn a_lost_schedule_takes_up_chains_of_many_stacks() {
    const CHAINS: usize = 3;
    const STACKS: usize = 7_000;
    let world = World::start().await;
    world.graph("network; database: network");
    let root = world.push_to(1, &["network"]).remove(0);
    let report = world.all_succeed(&[root]).await.remove(0);
    world.wait_for_quiet().await;
    // So nothing is triggered.
    world.workflows.halt(&world.account, "alice").await.unwrap();
    world.terminate_schedule().await;
    let mut plan = report.record.unwrap().chain().clone();
    let database = plan.stacks.remove(0);
    // Random text stays large when it is compressed.
    let random = || uuid::Uuid::new_v4().simple().to_string();
    let mut chains: Vec<ChainId> = Vec::new();
    for number in 0..CHAINS {
        let stacks = (0..STACKS).map(|number| ChainStack {
            id: format!("stack-{number}").parse().unwrap(),
            locked_by: Some((0..6).map(|_| random()).collect()),
            ..database.clone()
        });
        plan.stacks = stacks.collect();
        let chain = ChainId::of_request(&world.account, &number.to_string());
        world.open_chain(&chain, plan.clone()).await;
        chains.push(chain);
    }
    world
        .workflows
        .signal_schedule(&world.account, &ScheduleMessage::Wake)
        .await
        .unwrap();
    let taken_up = tokio::time::timeout(WAIT_MAX, async {
        loop {
            let report = world.workflows.schedule_report(&world.account).await.unwrap();
            if let Some(report) = report.filter(|report| report.rebuilt) {
                return report.chains;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
    let mut taken_up = taken_up.await.expect("it knows what is open");
    taken_up.sort();
    assert_eq!(taken_up, chains);
    for chain in &chains {
        world.terminate(chain.as_str()).await;
    }
}
