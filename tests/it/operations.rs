//! What operators see of the worker.

use orchestrator::contract::ChainResult;

use crate::chain::diamond;
use crate::world::{World, http};

#[tokio::test]
async fn the_worker_tells_how_it_is_and_what_it_did() {
    let world = World::start().await;
    diamond(&world);
    world.spacelift.fail_next("database");
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Failed);
    let get = async |path: &str| {
        http()
            .get(format!("http://{}{path}", world.endpoints))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    assert_eq!(get("/health").await, "polling\n");
    let metrics = get("/metrics").await;
    for wanted in [
        r#"spillway_chains_total{cause="",event="started"} 1"#,
        r#"spillway_chains_total{cause="",event="failed"} 1"#,
        r#"spillway_stacks_total{cause="",outcome="succeeded"} 1"#,
        r#"spillway_stacks_total{cause="run_failed",outcome="failed"} 1"#,
        r#"spillway_stacks_total{cause="upstream_failed",outcome="skipped"} 1"#,
        r#"spillway_triggers_total{how="triggered"} 2"#,
        "spillway_webhook_to_trigger_seconds_count 2",
        "temporal_workflow_completed_total",
    ] {
        assert!(metrics.contains(wanted), "`{wanted}` is not in:\n{metrics}");
    }
}
