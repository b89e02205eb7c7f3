//! What Temporal keeps, encrypted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chain::ChainId;
use chain::ChainResult;
use orchestrator::id;
use serde_json::Value;
use temporalio_client::{UntypedWorkflow, WorkflowFetchHistoryOptions};

use crate::chain::{EACH_ONCE, diamond};
use crate::world::World;

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Words of inputs and signals, which are in no summary.
const PLAIN: [&str; 2] = ["history_events", "timestamp_ms"];

/// Everything that Temporal keeps of a run of `network`, and of the chain that it starts.
async fn kept_of_a_diamond(world: &World) -> String {
    diamond(world);
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
    let chain = ChainId::of_root_run(&world.account, &root);
    let follower = id::follow_run(&world.account, &root);
    let mut kept = String::new();
    for workflow_id in [chain.as_str(), &follower] {
        let handle = world
            .orchestrator
            .client()
            .get_workflow_handle::<UntypedWorkflow>(workflow_id);
        let history = handle.fetch_history(WorkflowFetchHistoryOptions::default());
        let history: Value = serde_json::from_slice(&history.to_json().await.unwrap()).unwrap();
        add_data(&history, &mut kept);
    }
    kept
}

/// The bytes of every payload, as far as they are text.
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
async fn a_chain_runs_and_its_plan_says_nothing_to_who_lacks_the_key() {
    let encrypted = World::with_variables(&[("SPILLWAY_PAYLOAD_KEY", KEY)]).await;
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
