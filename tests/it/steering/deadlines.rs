//! Runs that take too long, and chains that are cancelled with their runs.

use std::time::Duration;

use chain::{ChainResult, ReasonCode, RunState, StackState};

use super::progress;
use crate::world::World;

#[tokio::test]
async fn a_run_that_nobody_confirms_in_time_is_discarded_and_fails_its_stack() {
    let world = World::with_settings(|settings| settings.timing.run_timeout = Duration::from_secs(4)).await;
    world.graph_confirming(
        "network; database: network; apps: database; other: network",
        &["database"],
    );
    let root = world.push_to(1, &["network"]).remove(0);
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Failed);
    let runs = world.spacelift.runs_of("database");
    assert_eq!(runs[0].state, RunState::Discarded);
    let database = progress(&report, "database");
    assert_eq!(database.state, StackState::Failed);
    let why = database.reason.unwrap();
    assert_eq!(why.code, ReasonCode::Timeout);
    assert!(why.text.contains("within 4s"), "{why}");
    world.assert_once(&["database", "other"]);
    assert!(world.spacelift.runs_of("apps").is_empty());
}

#[tokio::test]
async fn cancelling_a_chain_can_stop_its_runs() {
    let world = World::start().await;
    world.graph_confirming("network; database: network; apps: database", &["database"]);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    let noted = world
        .wait_for_stack(&root, "database", "the note", |stack| stack.note.is_some())
        .await;
    let chain = noted.id;
    let said = world
        .says(&[
            "chain",
            "cancel",
            chain.as_str(),
            "--stop-runs",
            "--reason",
            "a mistake",
        ])
        .await;
    let runs = world.spacelift.runs_of("database");
    assert_eq!(runs[0].state, RunState::Discarded);
    assert!(
        said.contains(&format!("Discarded run {} of database.", runs[0].run)),
        "{said}"
    );
    let end = world.end_of(&chain).await;
    assert_eq!(end.result, ChainResult::Cancelled);
    let shown = world.says(&["chain", "show", chain.as_str()]).await;
    assert!(shown.contains("(claims to be carol): a mistake"), "{shown}");
    let entries = crate::audit::entries(&world, &root).await;
    let cancelled = entries
        .iter()
        .find(|entry| entry.action == audit::Action::ChainCancelled);
    assert_eq!(cancelled.unwrap().reason.as_ref().unwrap().text, "a mistake");
    assert!(world.spacelift.runs_of("apps").is_empty());
}

#[tokio::test]
async fn cancelling_with_stop_runs_reports_what_happened_to_each_run() {
    let world = World::start().await;
    world.graph_confirming(
        "network; database: network; cache: network; apps: database",
        &["database", "cache"],
    );
    let root = world.push_to(1, &["network"]).remove(0);
    let waiting = |report: &temporal_client::contract::ChainReport| {
        let record = report.record.as_ref();
        let waits = |id: &str| record.and_then(|record| record.stack(&id.parse().unwrap())?.note.clone());
        waits("database").is_some() && waits("cache").is_some()
    };
    let chain = world.wait_for_chain(&root, "two confirmations", waiting).await.id;
    // The confirmed run waits for a worker, and is left alone.
    world
        .spacelift
        .control(mock_spacelift::ControlRequest::Workers { present: false })
        .unwrap();
    world.spacelift.pace(mock_spacelift::Pace::Manual);
    world.confirm("cache").await;
    let cancel = ["chain", "cancel", chain.as_str(), "--stop-runs"];
    let order = world.document("chain_order", &cancel).await;
    let done: Vec<(&str, &str)> = order["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["stack"].as_str().unwrap(), run["done"].as_str().unwrap()))
        .collect();
    assert_eq!(done.len(), 2, "{order}");
    assert!(done.contains(&("database", "discarded")), "{order}");
    assert!(done.contains(&("cache", "left_confirmed")), "{order}");
}

#[tokio::test]
async fn a_confirmed_run_that_is_late_is_an_alarm_and_is_never_ended() {
    let world = World::with_settings(|settings| settings.timing.run_timeout = Duration::from_secs(8)).await;
    world.graph_confirming("network; database: network; apps: database", &["database"]);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    // What is confirmed waits for a worker.
    let workers = |present| {
        let request = mock_spacelift::ControlRequest::Workers { present };
        world.spacelift.control(request).unwrap();
    };
    workers(false);
    world.spacelift.pace(mock_spacelift::Pace::Manual);
    world.confirm("database").await;
    world
        .wait_for_metric(r#"spillway_schedule_alarms_total{alarm="late_run"} 1"#)
        .await;
    let run = world.spacelift.runs_of("database").remove(0);
    assert_eq!(run.state, RunState::Confirmed);
    workers(true);
    world
        .spacelift
        .pace(mock_spacelift::Pace::Every(Duration::from_millis(40)));
    world.all_succeed(&[root]).await;
    world.assert_once(&["database", "apps"]);
}

#[tokio::test]
async fn what_waits_for_long_is_counted_once_and_nothing_else_happens_to_it() {
    let world = World::with_settings(|settings| settings.timing.stuck_after = Duration::from_secs(1)).await;
    world.graph_with(
        "network; database: network; apps: network",
        |name, stack| match name {
            "apps" => stack.autodeploy(false).label("spillway:stuck-after=8h"),
            _ => stack,
        },
    );
    world.spacelift.lock("database", "alice");
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("apps", &RunState::Unconfirmed).await;
    let alarms = r#"spillway_schedule_alarms_total{alarm="stuck"} "#;
    world.wait_for_metric(&format!("{alarms}1")).await;
    world.spacelift.unlock("database");
    world.says(&["stack", "release", "database"]).await;
    world.wait_for_run("database", &RunState::Finished).await;
    world.confirm("apps").await;
    world.all_succeed(&[root]).await;
    world.assert_once(&["database", "apps"]);
    world.wait_for_metric(&format!("{alarms}1")).await;
}
