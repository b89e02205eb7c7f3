//! Recorded histories are replayed, so that a change of a workflow never breaks an open chain.
//!
//! `tests/histories` is only ever added to. `SPILLWAY_RECORD_HISTORIES=<version>` makes the tests
//! `…_can_be_recorded` write their histories there, under that version.

use std::path::PathBuf;
use std::time::Duration;

use chain::ChainId;
use chain::ChainResult;
use serde_json::Value;
use temporalio_client::{
    UntypedWorkflow, WorkflowExecutionStatus, WorkflowFetchHistoryOptions, WorkflowHistory,
};
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};
use worker::workflows::{
    AuditWorkflow, FreezeWorkflow, HaltWorkflow, NotifyWorkflow, ReconcileWorkflow, RunNotifyWorkflow,
    SpaceliftWebhookWorkflow, StackDependencyChainWorkflow, StackExecutionWorkflow, StackScheduleWorkflow,
};

use crate::chain::diamond;
use crate::world::World;

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("histories")
}

fn replayer() -> WorkflowReplayer {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<SpaceliftWebhookWorkflow>()
        .unwrap()
        .register_workflow::<StackDependencyChainWorkflow>()
        .unwrap()
        .register_workflow::<StackExecutionWorkflow>()
        .unwrap()
        .register_workflow::<ReconcileWorkflow>()
        .unwrap()
        .register_workflow::<StackScheduleWorkflow>()
        .unwrap()
        .register_workflow::<AuditWorkflow>()
        .unwrap()
        .register_workflow::<FreezeWorkflow>()
        .unwrap()
        .register_workflow::<HaltWorkflow>()
        .unwrap()
        .register_workflow::<NotifyWorkflow>()
        .unwrap()
        .register_workflow::<RunNotifyWorkflow>()
        .unwrap();
    WorkflowReplayer::new(options.build()).unwrap()
}

#[tokio::test]
async fn every_recorded_history_can_be_replayed() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(files.len() >= 8, "histories are only ever added: {files:?}");
    for file in files {
        let history = WorkflowHistory::from_json(&std::fs::read(&file).unwrap()).unwrap();
        if let Err(error) = replayer().replay_workflow(history).await {
            panic!("{}: {error:?}", file.display());
        }
    }
}

#[tokio::test]
async fn a_history_of_different_code_is_rejected() {
    let file = directory().join("0.1-execution.json");
    let mut history: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let scheduled = history["events"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .find_map(|event| event.pointer_mut("/attributes/ActivityTaskScheduledEventAttributes"))
        .expect("an execution tries to trigger its stack");
    scheduled["activity_type"]["name"] = "another_activity".into();
    let history = WorkflowHistory::from_json(history.to_string().as_bytes()).unwrap();
    replayer().replay_workflow(history).await.unwrap_err();
}

/// A chain in which `database` failed, once everything has ended.
async fn failed_chain(world: &World) -> ChainId {
    world.spacelift.fail_next("database");
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Failed);
    world.wait_for_quiet().await;
    ChainId::of_root_run(&world.account, &root)
}

#[tokio::test]
async fn the_messages_of_a_story_can_be_recorded() {
    let (sink, address) = crate::notices::taker().await;
    let sinks = format!("[people]\nkind = 'webhook'\nurl = 'http://{address}/'");
    let world = World::with_variables(&[("SPILLWAY_SINKS", &sinks)]).await;
    diamond(&world);
    world.graph_with("dns: cluster", |_, stack| {
        stack.label("spillway:on-completed=people")
    });
    let chain = failed_chain(&world).await;
    sink.abort();
    let run = world.spacelift.runs_of("dns")[0].run.clone();
    let finished = chain::RunState::Finished;
    let workflows = [
        ("notify", temporal_client::id::notify(&chain)),
        (
            "notify-run",
            temporal_client::id::notify_run(&world.account, &run, &finished),
        ),
    ];
    record(&world, &workflows).await;
}

#[tokio::test]
async fn the_story_can_be_recorded() {
    let world = World::start().await;
    diamond(&world);
    world.graph("dns: cluster");
    let chain = failed_chain(&world).await;
    let follow = |stack: &str| {
        let run = world.spacelift.runs_of(stack)[0].run.clone();
        temporal_client::id::follow_run(&world.account, &run)
    };
    let execution = |stack: &str| temporal_client::id::execution(&world.account, &stack.parse().unwrap());
    let workflows = [
        ("follow-root", follow("network")),
        ("follow-own", follow("cluster")),
        ("follow-failed", follow("database")),
        ("chain", chain.to_string()),
        ("execution", execution("cluster")),
        ("schedule", temporal_client::id::schedule(&world.account)),
    ];
    record(&world, &workflows).await;
}

#[tokio::test]
async fn a_freeze_can_be_recorded() {
    let world = World::start().await;
    world
        .says(&["freeze", "now", "--for", "2h", "--reason", "incident 7"])
        .await;
    assert!(world.workflows.thaw(&world.account, "carol").await.unwrap());
    let freeze = temporal_client::id::freeze(&world.account);
    let running = Some(WorkflowExecutionStatus::Running);
    while world.workflows.status(&freeze).await.unwrap() == running {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    record(&world, &[("freeze", freeze)]).await;
}

/// Replays these histories, and writes them down where that is wanted.
async fn record(world: &World, workflows: &[(&str, String)]) {
    for (kind, id) in workflows {
        let history = world
            .workflows
            .client()
            .get_workflow_handle::<UntypedWorkflow>(id)
            .fetch_history(WorkflowFetchHistoryOptions::default());
        let mut history: Value = serde_json::from_slice(&history.to_json().await.unwrap()).unwrap();
        anonymise(&mut history);
        let text = serde_json::to_string_pretty(&history).unwrap();
        replayer()
            .replay_workflow(WorkflowHistory::from_json(text.as_bytes()).unwrap())
            .await
            .unwrap();
        if let Ok(name) = std::env::var("SPILLWAY_RECORD_HISTORIES") {
            std::fs::write(directory().join(format!("{name}-{kind}.json")), text + "\n").unwrap();
        }
    }
}

/// The machine that wrote a history is irrelevant.
fn anonymise(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                // A sticky task queue contains the name of its worker, `<process>@<host>:…`.
                if key == "identity"
                    || (key == "name" && field.as_str().is_some_and(|name| name.contains('@')))
                {
                    *field = "worker".into();
                } else {
                    anonymise(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(anonymise),
        _ => {}
    }
}
