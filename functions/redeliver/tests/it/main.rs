//! The program as Lambda runs it: SQS batches, a real Temporal server, and the answer that says which messages stay.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod slow;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use audit::Store;
use aws_stand_ins::lambda::Function;
use queue::{Message, Unreadable};
use serde_json::{Value, json};
use settings::Settings;
use temporal_client::contract::Received;
use temporal_client::{TemporalSettings, WorkflowClient};
use temporalio_client::{UntypedWorkflow, WorkflowCountOptions, WorkflowDescribeOptions};
use uuid::Uuid;

/// Nothing listens on this port.
const NOWHERE: &str = "127.0.0.1:9";

/// An account and a task queue of one test, in a Temporal server that all tests share.
struct Place {
    account: String,
    temporal: String,
    workflows: WorkflowClient,
}

impl Place {
    async fn new() -> Self {
        let temporal = std::env::var("SPILLWAY_TEST_TEMPORAL")
            .expect("SPILLWAY_TEST_TEMPORAL is not set: run these tests by `cargo xtask test`");
        let account = format!("acme-{}", Uuid::new_v4());
        let settings = Settings {
            task_queue: account.clone(),
            ..Settings::default()
        };
        let client = TemporalSettings::new(&temporal, "default").unwrap();
        let workflows = WorkflowClient::new(client.connect().await.unwrap(), settings);
        Self {
            account,
            temporal,
            workflows,
        }
    }

    async fn function(&self, audit: &Path) -> Function {
        let variables = [
            ("TEMPORAL_ADDRESS", self.temporal.clone()),
            ("SPILLWAY_TASK_QUEUE", self.account.clone()),
            ("SPILLWAY_METRICS_NAMESPACE", "Spillway".to_owned()),
            ("SPILLWAY_AUDIT", audit.display().to_string()),
        ];
        Function::start(env!("CARGO_BIN_EXE_redeliver"), variables).await
    }

    fn event(&self, run: &str) -> String {
        event(&self.account, run, now_ms())
    }

    /// Whether Temporal has a workflow with this id.
    async fn has(&self, workflow_id: &str) -> bool {
        let handle = self
            .workflows
            .client()
            .get_workflow_handle::<UntypedWorkflow>(workflow_id);
        handle.describe(WorkflowDescribeOptions::default()).await.is_ok()
    }

    /// Waits until this many workflows are visible. They become visible a moment after they start.
    async fn wait_for_workflows(&self, expected: usize) {
        let query = format!("TaskQueue = '{}'", self.account);
        let mut count = 0;
        let counted = tokio::time::timeout(Duration::from_secs(30), async {
            while count != expected {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let counting = self
                    .workflows
                    .client()
                    .count_workflows(&query, WorkflowCountOptions::default());
                count = counting.await.unwrap().count();
            }
        });
        assert!(counted.await.is_ok(), "{count} workflows, not {expected}");
    }
}

fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_1970.as_millis()).unwrap()
}

fn event(account: &str, run: &str, at_ms: i64) -> String {
    let content = json!({
        "kind": "event", "event": {"received_at_ms": at_ms, "event": {
            "account": account, "run": run, "stack": "network", "stack_name": "Network", "state": "FINISHED",
            "run_type": "TRACKED", "branch": "main", "timestamp_ms": at_ms,
        }},
    });
    json!({"version": 1, "body": {"message": "received", "content": content}}).to_string()
}

/// A batch as SQS passes it to a function.
fn batch(messages: &[(&str, String)]) -> Value {
    let record = |(id, body): &(&str, String)| {
        json!({
            "messageId": id, "receiptHandle": format!("receipt of {id}"), "body": body,
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": now_ms().to_string(),
                "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1745600100383"},
            "messageAttributes": {}, "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:spillway-buffer", "awsRegion": "eu-west-1",
        })
    };
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}

fn failures(ids: &[&str]) -> Value {
    let failure = |id: &&str| json!({ "itemIdentifier": id });
    json!({"batchItemFailures": ids.iter().map(failure).collect::<Vec<_>>()})
}

#[tokio::test]
async fn only_events_that_cannot_be_recorded_stay_in_the_queue() {
    let place = Place::new().await;
    let audit = tempfile::tempdir().unwrap();
    let function = place.function(audit.path()).await;
    let day_ms = 24 * 3_600_000;
    let quarantined = Message::Unreadable(Unreadable::new("run.id", "it is empty", now_ms(), b"{}"));
    let request = |id: &str, received_at_ms: i64| {
        let content = json!({
            "kind": "request", "account": place.account, "id": id, "request": {"stack": "network"},
            "received_at_ms": received_at_ms,
        });
        let received: Received = serde_json::from_value(content).unwrap();
        Message::Received(received).to_text().unwrap()
    };
    let answer = function
        .invoke(batch(&[
            ("good", place.event("01J")),
            ("no JSON", "poison".to_owned()),
            ("empty", String::new()),
            (
                "of a newer version",
                r#"{"version":2,"body":{"message":"vision"}}"#.to_owned(),
            ),
            (
                "with an id that is none",
                event(&place.account, "01J\n", now_ms()),
            ),
            ("quarantined", quarantined.to_text().unwrap()),
            (
                "too old",
                event(&place.account, "01H", now_ms() - day_ms - 60_000),
            ),
            ("old", event(&place.account, "01I", now_ms() - day_ms + 60_000)),
            ("a request", request("change-42", now_ms())),
            (
                "a request too old",
                request("change-41", now_ms() - day_ms - 60_000),
            ),
            ("good again", place.event("01J")),
        ]))
        .await;
    let poison = [
        "no JSON",
        "empty",
        "of a newer version",
        "with an id that is none",
    ];
    let stay = [
        poison.as_slice(),
        &["quarantined", "too old", "a request too old"],
    ]
    .concat();
    assert_eq!(answer, Ok(failures(&stay)));
    place.wait_for_workflows(3).await;
    for id in ["run:{}:01J", "run:{}:01I", "request:{}:change-42"] {
        assert!(place.has(&id.replace("{}", &place.account)).await, "{id}");
    }

    let written = function
        .wait_for_lines("the metrics", |lines| {
            lines.iter().any(|line| line.contains("_aws"))
        })
        .await;
    let metrics = written.iter().find(|line| line.contains("_aws")).unwrap();
    let metrics: Value = serde_json::from_str(metrics).unwrap();
    assert_eq!(
        (&metrics["Redelivered"], &metrics["RedeliveriesFailed"]),
        (&json!(4), &json!(7))
    );
    let store = Store::in_directory(audit.path());
    let mut outcomes = Vec::new();
    for object in store.deliveries().await.unwrap() {
        let record: Value = serde_json::from_slice(&store.read(&object.key).await.unwrap()).unwrap();
        assert_eq!(record["entry"]["action"], "delivery_redelivered");
        outcomes.push(record["entry"]["outcome"].clone());
    }
    assert_eq!(outcomes, ["accepted"; 4]);
}

/// Messages of an older webhook have no time of their own.
#[tokio::test]
async fn a_request_without_a_time_is_as_old_as_its_message() {
    let place = Place::new().await;
    let audit = tempfile::tempdir().unwrap();
    let function = place.function(audit.path()).await;
    let content =
        json!({"kind": "request", "account": place.account, "id": "7", "request": {"stack": "network"}});
    let text = json!({"version": 1, "body": {"message": "received", "content": content}}).to_string();
    let mut messages = batch(&[("old", text.clone()), ("new", text)]);
    let two_days_ago = now_ms() - 48 * 3_600_000;
    messages["Records"][0]["attributes"]["SentTimestamp"] = json!(two_days_ago.to_string());
    assert_eq!(function.invoke(messages).await, Ok(failures(&["old"])));
    place.wait_for_workflows(1).await;
}

#[tokio::test]
async fn a_repeated_batch_records_nothing_twice() {
    let place = Place::new().await;
    let audit = tempfile::tempdir().unwrap();
    let function = place.function(audit.path()).await;
    let messages: Vec<(&str, String)> = ["01J", "01K", "01L"]
        .into_iter()
        .map(|run| (run, place.event(run)))
        .collect();
    for _ in 0..3 {
        assert_eq!(function.invoke(batch(&messages)).await, Ok(failures(&[])));
    }
    place.wait_for_workflows(3).await;
}

#[tokio::test]
async fn different_ids_never_collide_when_joined() {
    let place = Place::new().await;
    let audit = tempfile::tempdir().unwrap();
    let function = place.function(audit.path()).await;
    let name = &place.account;
    let answer = function
        .invoke(batch(&[
            ("1", event(&format!("{name}:b"), "c", now_ms())),
            ("2", event(name, "b:c", now_ms())),
            ("3", event(name, "b%3Ac", now_ms())),
        ]))
        .await;
    assert_eq!(answer, Ok(failures(&[])));
    place.wait_for_workflows(3).await;
    for id in ["%3Ab:c", ":b%3Ac", ":b%253Ac"] {
        assert!(place.has(&format!("run:{name}{id}")).await, "{id}");
    }
}

#[tokio::test]
async fn without_temporal_everything_stays_in_the_queue() {
    let function = Function::start(
        env!("CARGO_BIN_EXE_redeliver"),
        [("TEMPORAL_ADDRESS", NOWHERE.to_owned())],
    )
    .await;
    let messages = [
        ("1", event("acme", "01J", now_ms())),
        ("2", event("acme", "01K", now_ms())),
    ];
    assert_eq!(function.invoke(batch(&messages)).await, Ok(failures(&["1", "2"])));
    assert_eq!(function.invoke(batch(&[])).await, Ok(failures(&[])));
    // If the function fails, the whole batch stays in the queue.
    assert!(function.invoke(json!({"records": []})).await.is_err());
}
