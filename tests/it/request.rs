//! A requested run and its chain.

use chain::{ChainId, ChainResult};
use serde_json::{Value, json};
use temporal_client::clock;

use crate::chain::{EACH_ONCE, diamond};
use crate::world::World;

/// The body of a request for a run of `network`, signed now.
pub(crate) fn request(id: &str) -> String {
    let requested_at = clock::now_ms() / 1000;
    json!({"event": "triggered", "stack_id": "network", "request_id": id, "requested_at": requested_at})
        .to_string()
}

#[tokio::test]
async fn a_request_runs_the_stack_and_its_chain_once() {
    let world = World::start().await;
    diamond(&world);
    let body = request("change-42");
    let first = world.post(&body).await;
    assert_eq!(first.status(), 202);
    let first: Value = first.json().await.unwrap();
    assert_eq!(
        first["workflow_id"],
        format!("request:{}:change-42", world.account)
    );
    let second = world.post(&body).await;
    assert_eq!(second.status(), 200);
    assert_eq!(second.json::<Value>().await.unwrap()["result"], "duplicate");
    world
        .spacelift
        .wait_until("a run of network", |spacelift| {
            !spacelift.runs_of("network").is_empty()
        })
        .await;
    let report = world
        .end_of(&ChainId::of_request(&world.account, "change-42"))
        .await;
    assert_eq!(report.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

#[tokio::test]
async fn a_request_for_a_stack_that_fails_runs_nothing_else() {
    let world = World::start().await;
    world.graph("network; database: network");
    world.spacelift.fail_next("network");
    let body = request("change-43");
    assert_eq!(world.post(&body).await.status(), 202);
    world
        .spacelift
        .wait_until("a run of network", |spacelift| {
            !spacelift.runs_of("network").is_empty()
        })
        .await;
    world.wait_for_quiet().await;
    assert_eq!(world.runs_per_stack(), [("network", 1)]);
    assert_eq!(world.workflows("StackDependencyChainWorkflow").await, 1);
}
