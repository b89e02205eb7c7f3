//! Temporal itself dies, and comes back with its data.

use chain::ChainResult;
use mock_spacelift::NewStack;

use crate::outage::Temporal;
use crate::world::World;

#[tokio::test]
async fn a_chain_goes_on_when_temporal_was_killed_and_started_again() {
    let mut temporal = Temporal::start().await;
    let world = World::beside(&temporal.address(), |_| {}).await;
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
