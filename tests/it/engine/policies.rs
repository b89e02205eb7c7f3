//! Runs that Spacelift makes by itself: its trigger policies and its native dependencies.

use mock_spacelift::NewPolicy;

use crate::world::{World, is_ours};

/// Runs `network` after each run of `apps`, which depends on it.
const BACK_TO_NETWORK: &str = r#"
package spacelift

trigger["network"] {
  input.run.state == "FINISHED"
  input.stack.id == "apps"
}
"#;

/// How often the loop guard lets us run one commit of a stack within an hour.
const RUNS_MAX: usize = 5;

#[tokio::test]
async fn a_loop_through_a_trigger_policy_is_stopped_until_a_person_allows_more() {
    let world = World::start().await;
    world.graph("network; apps: network");
    let policy = NewPolicy::trigger("Back to network", BACK_TO_NETWORK);
    world.spacelift.create_policy(policy).unwrap();
    world.spacelift.attach_policy("back-to-network", "apps");
    world.push_to(1, &["network"]);
    world.wait_until_reason_contains("apps", "loop").await;
    let ours = || {
        let runs = world.spacelift.runs_of("apps");
        runs.iter().filter(|run| is_ours(run)).count()
    };
    assert_eq!(ours(), RUNS_MAX);
    // The run that the policy made last is over, and nothing is triggered for it.
    assert_eq!(world.spacelift.runs_of("network").len(), RUNS_MAX + 1);
    let said = world.spillway(&["release", "apps"]).await;
    assert!(said.status.success(), "{said:?}");
    world
        .spacelift
        .wait_until("another round", |spacelift| {
            spacelift.runs_of("apps").len() > RUNS_MAX
        })
        .await;
    world.wait_until_reason_contains("apps", "loop").await;
}

/// Spacelift queues `database` behind `network`. `apps` depends on both by labels, and `tail` on it natively.
#[tokio::test]
async fn labels_and_native_dependencies_meet_and_everything_runs_once_in_order() {
    let world = World::start().await;
    world.graph_with(
        "network; database; apps: network database; tail",
        |name, stack| match name {
            "database" => stack.native_dependency("network"),
            "tail" => stack.native_dependency("apps"),
            _ => stack,
        },
    );
    let root = world.push_to(1, &["network"]).remove(0);
    world.all_succeed(&[root]).await;
    world.wait_for_quiet().await;
    world.assert_once(&["network", "database", "apps", "tail"]);
    // Spacelift creates the others together with the runs that they wait for.
    world.assert_order(&[("network", "apps"), ("database", "apps")]);
}
