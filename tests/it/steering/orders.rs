//! Orders of people to the account and to stacks are in the audit log, with their reasons.

use std::time::Duration;

use serde_json::Value;

use crate::world::{WAIT_MAX, World};

impl World {
    /// The audit record with this action, once it exists.
    pub(crate) async fn audit_record(&self, action: &str) -> Value {
        let written = tokio::time::timeout(WAIT_MAX, async {
            loop {
                for object in self.audit.deliveries().await.unwrap() {
                    let text = String::from_utf8(self.audit.read(&object.key).await.unwrap()).unwrap();
                    let record: Value = serde_json::from_str(&text).unwrap();
                    if record["entry"]["action"] == action {
                        return record["entry"].clone();
                    }
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        written
            .await
            .unwrap_or_else(|_| panic!("{action} is not in the audit log"))
    }
}

#[tokio::test]
async fn a_halt_and_a_stack_marked_as_done_are_in_the_audit_log() {
    let world = World::start().await;
    world.graph("network; database: network; apps: database");
    world.says(&["halt", "--reason", "incident 7"]).await;
    let began = world.audit_record("halt_began").await;
    assert!(
        began["actor"].as_str().unwrap().ends_with("(claims to be carol)"),
        "{began}"
    );
    assert_eq!(began["reason"]["text"], "incident 7");
    let root = world.push_to(1, &["network"]).remove(0);
    world
        .wait_for_chain(&root, "a plan", |report| report.record.is_some())
        .await;
    world
        .says(&["stack", "done", "database", "--reason", "repaired in the console"])
        .await;
    let done = world.audit_record("stack_done_by_hand").await;
    assert_eq!(done["stack"], "database");
    assert_eq!(done["reason"]["text"], "repaired in the console");
    world.says(&["go"]).await;
    let lifted = world.audit_record("halt_lifted").await;
    assert_eq!(lifted["reason"], Value::Null, "{lifted}");
    let chain = world.all_succeed(&[root]).await.remove(0).id;
    assert!(world.spacelift.runs_of("database").is_empty());
    let shown = world.says(&["chain", "show", chain.as_str()]).await;
    assert!(
        shown.contains("(claims to be carol): repaired in the console"),
        "{shown}"
    );
    let shown = world.document("chain", &["chain", "show", chain.as_str()]).await;
    let mut stacks = shown["stacks"].as_array().unwrap().iter();
    let database = stacks.find(|stack| stack["id"] == "database").unwrap();
    assert_eq!(database["state"], "succeeded");
    assert_eq!(database["reason"]["code"], "done_by_hand");
    let why = database["reason"]["text"].as_str().unwrap();
    assert!(
        why.ends_with("(claims to be carol): repaired in the console"),
        "{why}"
    );
    world.assert_once(&["apps"]);
    let reported = world
        .says(&[
            "audit",
            "report",
            "--orders",
            "--audit",
            world.audit_path().to_str().unwrap(),
        ])
        .await;
    for words in [
        "halt_began",
        "incident 7",
        "stack_done_by_hand",
        "repaired in the console",
        "halt_lifted",
    ] {
        assert!(reported.contains(words), "{words} is not in {reported}");
    }
    let verified = world
        .spillway(&["audit", "verify", "--audit", world.audit_path().to_str().unwrap()])
        .await;
    assert!(verified.status.success(), "{verified:?}");
}

#[tokio::test]
async fn a_halted_account_can_be_halted_again_without_a_worker() {
    let mut world = World::start().await;
    world.says(&["halt", "--reason", "incident 7"]).await;
    let again = world.says(&["halt"]).await;
    assert!(again.contains("It was already halted by "), "{again}");
    assert!(again.contains(": incident 7."), "{again}");
    world.kill_worker().await;
    let again = world.says(&["halt"]).await;
    assert!(again.contains("is halted: no stack is triggered"), "{again}");
}
