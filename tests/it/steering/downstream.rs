//! An administrative stack that manages other stacks.

use chain::RunId;
use serde_json::json;

use crate::world::World;

const ACCOUNT: &str = "admin; network: admin; database: admin network; dns: admin; apps: admin dns";

async fn administrative() -> World {
    let world = World::start().await;
    world.graph_with(ACCOUNT, |name, stack| match name {
        "admin" => stack.label("spillway:downstream=changed"),
        _ => stack,
    });
    world
}

/// A run of the administrative stack that changes these resources.
fn run_that_changes(world: &World, number: u32, resources: &[(&str, &str)]) -> RunId {
    let resources: Vec<_> = resources
        .iter()
        .map(|(address, stack)| (*address, json!({"id": stack})))
        .collect();
    world.spacelift.changes_next("admin", &resources);
    world.push_to(number, &["admin"]).remove(0)
}

#[tokio::test]
async fn only_the_stacks_that_the_run_changed_run() {
    let world = administrative().await;
    let address = "module.all.spacelift_stack.this[0]";
    let root = run_that_changes(
        &world,
        1,
        &[(address, "network"), ("spacelift_policy.plan", "plan")],
    );
    let report = world.all_succeed(std::slice::from_ref(&root)).await.remove(0);
    world.assert_once(&["network", "database"]);
    for stack in ["dns", "apps"] {
        assert!(world.spacelift.runs_of(stack).is_empty(), "{stack}");
    }
    let chain = world.says(&["chain", "show", report.id.as_str()]).await;
    assert!(
        chain.contains("its label `spillway:downstream=changed`: only the stacks that its run changed run"),
        "{chain}"
    );

    // The comment on a pull request shows the same for a proposed run.
    let impact = world
        .says(&["impact", "admin", "--run", root.as_str(), "--markdown"])
        .await;
    assert!(impact.starts_with("**2 stacks run after `admin`:**"), "{impact}");
}

#[tokio::test]
async fn everything_runs_if_the_changes_cannot_be_read() {
    let world = administrative().await;
    let root = world.push_to(1, &["admin"]).remove(0);
    let report = world.all_succeed(&[root]).await.remove(0);
    world.assert_once(&["network", "database", "dns", "apps"]);
    let chain = world.says(&["chain", "show", report.id.as_str()]).await;
    assert!(
        chain.contains("because the changes of its run are unknown: Spacelift lists no changed resources"),
        "{chain}"
    );
}
