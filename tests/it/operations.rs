//! What operators see of the worker.

use std::process::Stdio;
use std::time::Duration;

use chain::ChainResult;
use tokio::process::Command;

use crate::chain::diamond;
use crate::world::{WAIT_MAX, World, http, program};

#[tokio::test]
async fn the_worker_reports_its_health_and_metrics() {
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
    for expected in [
        r#"spillway_chains_total{cause="",event="started"} 1"#,
        r#"spillway_chains_total{cause="",event="failed"} 1"#,
        r#"spillway_stacks_total{cause="",outcome="succeeded"} 1"#,
        r#"spillway_stacks_total{cause="run_failed",outcome="failed"} 1"#,
        r#"spillway_stacks_total{cause="upstream_failed",outcome="skipped"} 1"#,
        r#"spillway_triggers_total{how="triggered"} 2"#,
        "spillway_webhook_to_trigger_seconds_count 2",
        "temporal_workflow_completed_total",
        "temporal_num_pollers",
        "temporal_workflow_task_schedule_to_start_latency_bucket",
        "temporal_activity_schedule_to_start_latency_bucket",
    ] {
        assert!(metrics.contains(expected), "`{expected}` is not in:\n{metrics}");
    }
}

#[tokio::test]
async fn the_program_checks_the_health_of_the_worker() {
    let mut world = World::start().await;
    let address = world.endpoints.to_string();
    let is_well = async || {
        let asked = Command::new(program("spillway-worker"))
            .args(["--check-health", "--health-address", &address])
            .stderr(Stdio::null())
            .status();
        asked.await.unwrap()
    };
    let begun = tokio::time::timeout(WAIT_MAX, async {
        while !is_well().await.success() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    begun.await.expect("it becomes healthy");
    world.kill_worker().await;
    assert_eq!(is_well().await.code(), Some(1));
}

#[tokio::test]
async fn a_sweep_emits_the_metric_of_a_halt() {
    let world = World::with_settings(|settings| settings.sweep_every = Duration::from_secs(1)).await;
    world.wait_for_a_sweep().await;
    world.workflows.halt(&world.account, "alice").await.unwrap();
    world
        .wait_for_metric(r#"spillway_sweep_found_total{what="halt"}"#)
        .await;
    world.wait_for_metric("spillway_sweeps_total").await;
}
