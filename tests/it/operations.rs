//! What operators see of the worker.

use std::process::Stdio;
use std::time::Duration;

use chain::{ChainId, ChainResult};
use tokio::process::Command;

use crate::chain::diamond;
use crate::world::{WAIT_MAX, World, http, now_s, program};

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
    let world = World::swept().await;
    world.workflows.halt(&world.account, "alice").await.unwrap();
    world
        .wait_for_metric(r#"spillway_sweep_found_total{what="halt"}"#)
        .await;
    world.wait_for_metric("spillway_sweeps_total").await;
}

#[tokio::test]
async fn a_sweep_emits_the_metric_of_a_chain_that_is_open_for_a_day() {
    let world = World::swept().await;
    world.graph("network; database: network");
    let root = world.push_to(1, &["network"]).remove(0);
    let report = world.all_succeed(&[root]).await.remove(0);
    // So that the chain stays open.
    world.workflows.halt(&world.account, "alice").await.unwrap();
    let mut plan = report.record.unwrap().chain().clone();
    let day_ago_s = i64::try_from(now_s()).unwrap() - 25 * 3600;
    plan.root.ended_at_s = Some(day_ago_s);
    let old = ChainId::of_request(&world.account, "old");
    world.open_chain(&old, plan).await;
    world
        .wait_for_metric(r#"spillway_sweep_found_total{what="old_chain"}"#)
        .await;
}

#[tokio::test]
async fn a_sweep_emits_the_metric_of_a_run_without_a_worker() {
    let world = World::swept().await;
    world.graph("network; database: network");
    world.spacelift.no_workers(true);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_followers(1).await;
    world.spacelift.age(&root, Duration::from_secs(2 * 3600));
    world
        .wait_for_metric(r#"spillway_sweep_found_total{what="waiting_run"}"#)
        .await;
}

#[tokio::test]
async fn doctor_says_when_a_sweep_last_succeeded() {
    let world = World::swept().await;
    let doctor = world.spillway(&["doctor"]).await;
    let said = String::from_utf8(doctor.stdout).unwrap();
    assert!(
        said.contains("the last one that succeeded began 0 min ago"),
        "{said}"
    );
}
