//! Chains that are longer than one history.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use audit::Action;
use chain::ChainId;
use chain::ChainResult;
use chain::{ChainRecord, StackState};

use crate::audit::entries;
use crate::world::World;

/// The smallest number of events that can be configured.
const HISTORY_EVENTS: u32 = 100;
/// Under load a task processes more events, and there are fewer histories.
const STACKS: usize = 60;

/// `network`, and this many stacks that depend only on it.
fn many(world: &World, count: usize) {
    world.graph("network");
    for number in 0..count {
        world.graph(&format!("stack-{number:04}: network"));
    }
}

#[tokio::test]
async fn the_schedule_continues_in_new_histories_during_runs() {
    let world = World::with_settings(|settings| settings.timing.history_events = HISTORY_EVENTS).await;
    many(&world, STACKS);
    // `database` runs from the first history to the last.
    world.graph_confirming("database: network; apps: database", &["database"]);
    let root = world.spacelift.push("network");
    world
        .wait_for_chain(&root, "all but the slow stack and what waits for it", |report| {
            let counts = report.record.as_ref().map(ChainRecord::counts);
            counts.is_some_and(|counts| counts.succeeded == STACKS)
        })
        .await;
    world.confirm("database").await;
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Succeeded);
    let walk = report.record.unwrap();
    assert!(
        walk.progress()
            .iter()
            .all(|stack| stack.state == StackState::Succeeded && stack.runs == 1)
    );
    assert_eq!(world.runs_per_stack().len(), STACKS + 3);
    assert!(world.runs_per_stack().iter().all(|(_, runs)| *runs == 1));
    world.assert_order(&[("database", "apps")]);
    let histories = world.workflows("StackScheduleWorkflow").await;
    assert!(histories >= 4, "the schedule had {histories} histories");
    assert_eq!(world.workflows("StackExecutionWorkflow").await, STACKS + 2);
    // No record is lost between two histories.
    let entries = entries(&world, &root).await;
    for action in [Action::RunTriggered, Action::StackEnded] {
        let told: BTreeSet<_> = entries
            .iter()
            .filter(|entry| entry.action == action)
            .map(|entry| entry.stack.clone())
            .collect();
        assert_eq!(told.len(), STACKS + 2, "{action}");
    }
}

#[tokio::test]
async fn an_audit_log_outage_delays_no_stack_and_orders_are_written_later() {
    let world = World::with_settings(|settings| settings.timing.history_events = HISTORY_EVENTS).await;
    many(&world, STACKS);
    // A file in place of the directory, so nothing can be written.
    let log = world.audit_path();
    let away = log.with_extension("away");
    std::fs::rename(log, &away).unwrap();
    std::fs::write(log, "").unwrap();
    world.workflows.halt(&world.account, "carol").await.unwrap();
    world.workflows.lift_halt(&world.account, "carol").await.unwrap();
    world.push_to(1, &["network"]);
    world
        .spacelift
        .wait_until("every stack to run", |spacelift| {
            let runs = spacelift.runs();
            runs.len() > STACKS && runs.iter().all(|run| run.state.is_terminal())
        })
        .await;
    assert!(world.workflows("StackScheduleWorkflow").await > 1, "one history");
    assert!(world.runs_per_stack().iter().all(|(_, runs)| *runs == 1));

    std::fs::remove_file(log).unwrap();
    std::fs::rename(&away, log).unwrap();
    let ordered = async {
        loop {
            let report = world
                .spillway(&["audit", "report", "--orders", "-o", "json"])
                .await;
            let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
            let orders = report["orders"].as_array().unwrap();
            let has = |action: &str| orders.iter().any(|order| order["action"] == action);
            if has("halt_began") && has("halt_lifted") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(120), ordered).await;
    in_time.expect("the orders are in the log");
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
#[ignore = "takes minutes: `cargo xtask test -p tests two_thousand_stacks_stay -- --ignored --nocapture`"]
async fn two_thousand_stacks_stay_within_the_limits_of_temporal() {
    const STACKS: usize = 2_000;
    let world = World::start().await;
    many(&world, STACKS);
    let began = Instant::now();
    let root = world.spacelift.push("network");
    let chain = ChainId::of_root_run(&world.account, &root);
    let report = tokio::time::timeout(Duration::from_secs(1800), world.workflows.end_of_chain(&chain))
        .await
        .expect("it ends")
        .unwrap();
    let took = began.elapsed();
    assert_eq!(report.result, ChainResult::Succeeded);
    assert_eq!(report.record.unwrap().counts().succeeded, STACKS);
    assert!(world.runs_per_stack().iter().all(|(_, runs)| *runs == 1));
    let histories = world.workflows("StackScheduleWorkflow").await;
    println!(
        "{STACKS} stacks, {histories} histories of the schedule, {} s",
        took.as_secs()
    );
}
