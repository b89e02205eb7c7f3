//! A chain that an operator resets in Temporal: its record is written again, and nothing runs because of that.

use chain::{ChainId, RunState, StackProgress, StackState};

use crate::world::World;

#[tokio::test]
async fn a_chain_that_is_reset_while_a_stack_runs_fails_nothing_and_runs_nothing_twice() {
    let world = World::start().await;
    world.graph_confirming(
        "network; database: network; cluster: network; apps: database cluster; tail: apps",
        &["database"],
    );
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    let has_succeeded = |stack: &StackProgress| stack.state == StackState::Succeeded;
    world
        .wait_for_stack(&root, "cluster", "the end", has_succeeded)
        .await;
    let chain = ChainId::of_root_run(&world.account, &root);
    world.reset(chain.as_str()).await;
    // What had been recorded is still there.
    world
        .wait_for_stack(&root, "cluster", "the end", has_succeeded)
        .await;
    assert_eq!(world.spacelift.runs_of("database").len(), 1);
    world.confirm("database").await;
    world.all_succeed(&[root]).await;
    world.wait_for_quiet().await;
    world.assert_once(&["network", "database", "cluster", "apps", "tail"]);
}

/// Its record is open again, although everything in it is over.
#[tokio::test]
async fn a_chain_that_is_reset_after_its_end_ends_again_and_runs_nothing() {
    let world = World::swept().await;
    world.graph("network; database: network; apps: database");
    let root = world.push_to(1, &["network"]).remove(0);
    world.all_succeed(std::slice::from_ref(&root)).await;
    world.wait_for_quiet().await;
    let chain = ChainId::of_root_run(&world.account, &root);
    world.reset(chain.as_str()).await;
    world.all_succeed(&[root]).await;
    world.wait_for_quiet().await;
    world.assert_once(&["network", "database", "apps"]);
    assert_eq!(world.workflows("StackDependencyChainWorkflow").await, 2);
    let verified = world.spillway(&["audit", "verify"]).await;
    assert!(verified.status.success(), "{verified:?}");
}
