//! The webhook's answers.

use serde_json::{Value, json};

use crate::chain::{EACH_ONCE, diamond};
use crate::world::{World, http, now_s};

/// A default run event, with a test's changes.
fn event(world: &World, changes: &Value) -> String {
    let mut event = json!({
        "account": world.account,
        "state": "FINISHED",
        "stateVersion": 8,
        "timestamp": now_s(),
        "run": {
            "id": "01JSPXRQR2F3Y06HD85YYXRSZ7", "branch": "main", "type": "TRACKED", "createdAt": now_s(),
            "commit": {"authorName": "Octo Dev", "hash": "0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb",
                "message": "Resize", "timestamp": now_s(), "url": "https://git.example/commit"},
        },
        "stack": {"id": "network", "name": "Network", "labels": []},
    });
    merge(&mut event, changes);
    event.to_string()
}

fn merge(target: &mut Value, changes: &Value) {
    match (target, changes) {
        (Value::Object(target), Value::Object(changes)) => {
            for (key, change) in changes {
                merge(target.entry(key.clone()).or_insert(Value::Null), change);
            }
        }
        (target, change) => *target = change.clone(),
    }
}

#[tokio::test]
async fn an_accepted_event_is_answered_with_its_workflow() {
    let world = World::start().await;
    let answer = world.post(&event(&world, &json!({}))).await;
    assert_eq!(answer.status(), 202);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["result"], "accepted");
    assert_eq!(
        body["workflow_id"],
        format!("run:{}:01JSPXRQR2F3Y06HD85YYXRSZ7", world.account)
    );
    let workflow_run_id = body["workflow_run_id"].as_str().unwrap();
    assert!(
        uuid::Uuid::parse_str(workflow_run_id).is_ok(),
        "{workflow_run_id}"
    );
}

#[tokio::test]
async fn a_delivery_with_a_changed_byte_is_refused() {
    let world = World::start().await;
    let body = event(&world, &json!({}));
    let signature = chain::signature::sign(
        body.as_bytes(),
        &chain::signature::WebhookSecret::parse("another secret than the right one").unwrap(),
    );
    let mut texts = Vec::new();
    for signature in [
        signature.as_str(),
        "",
        "sha256=00",
        "sha1=0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb",
    ] {
        let answer = world.post_signed(&body, signature).await;
        assert_eq!(answer.status(), 401, "{signature}");
        texts.push(answer.text().await.unwrap());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "one text for all: {texts:?}");
    assert_eq!(world.workflows("SpaceliftWebhookWorkflow").await, 0);
}

#[tokio::test]
async fn irrelevant_authentic_deliveries_are_ignored_with_a_reason() {
    let world = World::start().await;
    for (changes, reason) in [
        (json!({"run": {"type": "PROPOSED"}}), "run_type"),
        (json!({"run": {"type": "TASK"}}), "run_type"),
        (json!({"account": "somebody-else"}), "other_account"),
        (json!({"timestamp": now_s() - 2 * 24 * 3600}), "too_old"),
        (json!({"timestamp": now_s() + 3600}), "from_the_future"),
    ] {
        let answer = world.post(&event(&world, &changes)).await;
        assert_eq!(answer.status(), 200, "{changes}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(
            (&body["result"], &body["reason"]),
            (&json!("ignored"), &json!(reason)),
            "{changes}"
        );
    }
    let audit = json!({"account": world.account, "action": "stack.create", "actor": "alice", "timestamp": 1})
        .to_string();
    assert_eq!(
        world.post(&audit).await.json::<Value>().await.unwrap()["reason"],
        "audit_trail"
    );
    assert_eq!(world.workflows("SpaceliftWebhookWorkflow").await, 0);
}

#[tokio::test]
async fn unreadable_authentic_deliveries_are_answered_with_the_field() {
    let world = World::start().await;
    let answer = world.post(&event(&world, &json!({"run": {"id": 5}}))).await;
    assert_eq!(answer.status(), 422);
    let body: Value = answer.json().await.unwrap();
    assert!(body["error"].as_str().unwrap().contains("run.id"), "{body}");
}

#[tokio::test]
async fn other_requests_have_their_statuses() {
    let world = World::start().await;
    let url = |path: &str| format!("http://{}{path}", world.webhook);
    assert_eq!(http().get(url("/health")).send().await.unwrap().status(), 200);
    assert_eq!(http().get(url("/webhook")).send().await.unwrap().status(), 405);
    assert_eq!(http().post(url("/elsewhere")).send().await.unwrap().status(), 404);
    assert_eq!(
        http()
            .post(url("/webhook"))
            .body("{}")
            .send()
            .await
            .unwrap()
            .status(),
        415
    );
    let large = vec![b' '; 1024 * 1024 + 1];
    let answer = http()
        .post(url("/webhook"))
        .header("content-type", "application/json")
        .body(large)
        .send()
        .await;
    assert_eq!(answer.unwrap().status(), 413);
}

#[tokio::test]
async fn fifty_duplicates_and_shuffled_states_of_one_run_start_one_chain() {
    let world = World::start().await;
    diamond(&world);
    let root = world.spacelift.push("network");
    world.chain_of(&root).await;
    let told: Vec<String> = world
        .spacelift
        .deliveries()
        .iter()
        .filter(|delivery| delivery.about.as_ref().is_some_and(|about| about.run == root))
        .map(|delivery| String::from_utf8(delivery.body.clone()).unwrap())
        .collect();
    assert!(told.len() >= 5, "a run goes through several states");
    let mut statuses = Vec::new();
    for n in 0..50 {
        // A step that shares no factor with the number of states visits them in a different order.
        statuses.push(world.post(&told[n * 7 % told.len()]).await.status().as_u16());
    }
    assert!(
        statuses.iter().all(|status| [200, 202].contains(status)),
        "{statuses:?}"
    );
    world.wait_for_quiet().await;
    assert_eq!(world.workflows("StackDependencyChainWorkflow").await, 1);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}
