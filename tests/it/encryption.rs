//! The encryption of what Temporal stores.

use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chain::freeze::{Coverage, Freeze};
use chain::{ChainId, ChainResult};
use serde_json::Value;
use temporal_client::id;
use temporalio_client::{UntypedWorkflow, WorkflowFetchHistoryOptions};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::chain::{EACH_ONCE, diamond};
use crate::world::{World, now_s, shared_temporal, temporal_executable};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Encryption in the strict mode.
const STRICT: [(&str, &str); 2] = [
    ("SPILLWAY_PAYLOAD_KEY", KEY),
    ("SPILLWAY_PAYLOAD_KEY_STRICT", "true"),
];
/// Words of inputs and signals that are in no summary.
const PLAIN: [&str; 2] = ["history_events", "timestamp_ms"];

/// Everything that Temporal stores about a run of `network` and the chain that it starts.
async fn kept_of_a_diamond(world: &World) -> String {
    diamond(world);
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
    let chain = ChainId::of_root_run(&world.account, &root);
    let report = world.workflows.chain(&chain).await.unwrap();
    assert_eq!(report.unwrap().result, ChainResult::Succeeded);
    let follower = id::follow_run(&world.account, &root);
    let mut kept = String::new();
    for workflow_id in [chain.as_str(), &follower] {
        let handle = world
            .workflows
            .client()
            .get_workflow_handle::<UntypedWorkflow>(workflow_id);
        let history = handle.fetch_history(WorkflowFetchHistoryOptions::default());
        let history: Value = serde_json::from_slice(&history.to_json().await.unwrap()).unwrap();
        add_data(&history, &mut kept);
    }
    kept
}

/// The bytes of every payload, if they are text.
fn add_data(value: &Value, kept: &mut String) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(data)) = fields.get("data") {
                kept.push_str(&String::from_utf8_lossy(&STANDARD.decode(data).unwrap()));
            }
            fields.values().for_each(|field| add_data(field, kept));
        }
        Value::Array(items) => items.iter().for_each(|item| add_data(item, kept)),
        _ => {}
    }
}

#[tokio::test]
async fn an_encrypted_chain_runs_and_cannot_be_read_without_the_key() {
    // The strict mode: a single plain payload would stop the chain.
    let encrypted = World::with_variables(&STRICT).await;
    let plain = World::start().await;
    let (encrypted, plain) = (
        kept_of_a_diamond(&encrypted).await,
        kept_of_a_diamond(&plain).await,
    );
    for word in PLAIN {
        assert!(!encrypted.contains(word), "{word}");
        assert!(plain.contains(word), "this test finds `{word}` where it is plain");
    }
}

#[tokio::test]
async fn a_freeze_is_shown_in_the_strict_mode() {
    // It is read from a summary, which is not encrypted.
    let world = World::with_variables(&STRICT).await;
    let freeze = Freeze {
        by: "frank".to_owned(),
        reason: "release night".to_owned(),
        until_ms: i64::try_from(now_s() + 3600).unwrap() * 1000,
        coverage: Coverage::default(),
    };
    let begun = world.workflows.freeze(&world.account, &freeze).await;
    assert_eq!(begun.unwrap(), None);
    let words = world.workflows.freeze_words(&world.account).await.unwrap();
    assert!(words.unwrap().contains("release night"));
    assert!(world.workflows.thaw(&world.account, "frank").await.unwrap());
}

/// `spillway codec-server` on a free port, and its address.
async fn codec_server(world: &World) -> (Child, String) {
    let mut server = world.command(&["codec-server", "--listen", "127.0.0.1:0"]);
    let mut server = server.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let said = lines
        .next_line()
        .await
        .unwrap()
        .expect("it says where it listens");
    let url = said.split_whitespace().find(|word| word.starts_with("http://"));
    (server, url.unwrap().trim_end_matches('.').to_owned())
}

#[tokio::test]
async fn temporals_own_command_reads_it_through_the_codec_server() {
    // The strict mode too: what a person reads is no payload that anything acts on.
    let world = World::with_variables(&STRICT).await;
    diamond(&world);
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    let chain = ChainId::of_root_run(&world.account, &root);
    let (_server, url) = codec_server(&world).await;
    let shown = async |more: &[&str]| {
        let temporal = temporal_executable();
        let address = shared_temporal();
        let address = address.trim_start_matches("http://").trim_end_matches('/');
        let shown = Command::new(temporal)
            .args(["workflow", "show", "--output", "json", "--address", address])
            .args(["--namespace", "default", "--workflow-id", chain.as_str()])
            .args(more)
            .output()
            .await
            .unwrap();
        assert!(shown.status.success(), "{shown:?}");
        let history: Value = serde_json::from_slice(&shown.stdout).unwrap();
        let began = &history["events"][0]["workflowExecutionStartedEventAttributes"];
        let input = began["input"]["payloads"][0]["data"].as_str().unwrap();
        String::from_utf8_lossy(&STANDARD.decode(input).unwrap()).into_owned()
    };
    let (without, with) = (shown(&[]).await, shown(&["--codec-endpoint", &url]).await);
    assert!(!without.contains("network"), "{without}");
    assert!(with.contains("\"stack\":\"network\""), "{with}");
}
