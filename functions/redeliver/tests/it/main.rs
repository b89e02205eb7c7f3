//! The program as Lambda runs it: batches of SQS, the real Temporal, and the answer that says what stays.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use audit::Store;
use lambda_runtime_emulator::Function;
use orchestrator::contract::Received;
use orchestrator::{Orchestrator, Settings, TemporalSettings};
use queue::{Message, Unreadable};
use serde_json::{Value, json};
use temporalio_client::{UntypedWorkflow, WorkflowCountOptions, WorkflowDescribeOptions};
use uuid::Uuid;

/// Nothing listens on it.
const NOWHERE: &str = "127.0.0.1:9";

/// An account and a task queue of a test's own, in the Temporal that all share.
struct Place {
    account: String,
    temporal: String,
    orchestrator: Orchestrator,
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
        let orchestrator = Orchestrator::new(client.connect().await.unwrap(), settings);
        Self {
            account,
            temporal,
            orchestrator,
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

    /// Whether Temporal has a workflow of this id.
    async fn has(&self, workflow_id: &str) -> bool {
        let handle = self
            .orchestrator
            .client()
            .get_workflow_handle::<UntypedWorkflow>(workflow_id);
        handle.describe(WorkflowDescribeOptions::default()).await.is_ok()
    }

    /// Waits until so many workflows are visible here. Visibility comes a moment after the workflow itself.
    async fn wait_for_workflows(&self, wanted: usize) {
        let query = format!("TaskQueue = '{}'", self.account);
        let mut count = 0;
        let counted = tokio::time::timeout(Duration::from_secs(30), async {
            while count != wanted {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let counting = self
                    .orchestrator
                    .client()
                    .count_workflows(&query, WorkflowCountOptions::default());
                count = counting.await.unwrap().count();
            }
        });
        assert!(counted.await.is_ok(), "{count} workflows, not {wanted}");
    }
}

fn now_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since_1970.as_millis()).unwrap()
}

fn event(account: &str, run: &str, at_ms: i64) -> String {
    json!({
        "kind": "event", "event": {"received_at_ms": at_ms, "event": {
            "account": account, "run": run, "stack": "network", "stack_name": "Network", "state": "FINISHED",
            "run_type": "TRACKED", "branch": "main", "timestamp_ms": at_ms,
        }},
    })
    .to_string()
}

/// What SQS gives to a function.
fn batch(messages: &[(&str, String)]) -> Value {
    let record = |(id, body): &(&str, String)| {
        json!({
            "messageId": id, "receiptHandle": format!("receipt of {id}"), "body": body,
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1745600100383",
                "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1745600100383"},
            "messageAttributes": {}, "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:spillway-buffer", "awsRegion": "eu-west-1",
        })
    };
    json!({"Records": messages.iter().map(record).collect::<Vec<_>>()})
}

fn staying(ids: &[&str]) -> Value {
    let failure = |id: &&str| json!({ "itemIdentifier": id });
    json!({"batchItemFailures": ids.iter().map(failure).collect::<Vec<_>>()})
}

#[tokio::test]
async fn exactly_what_cannot_be_recorded_stays_in_the_queue() {
    let place = Place::new().await;
    let audit = tempfile::tempdir().unwrap();
    let function = place.function(audit.path()).await;
    let day_ms = 24 * 3_600_000;
    let quarantined = Message::Unreadable(Unreadable::new("run.id", "it is empty", now_ms(), b"{}"));
    let request: Received = serde_json::from_value(json!({
        "kind": "request", "account": place.account, "id": "change-42", "request": {"stack": "network"},
    }))
    .unwrap();
    let answer = function
        .invoke(batch(&[
            ("good", place.event("01J")),
            ("no JSON", "poison".to_owned()),
            ("empty", String::new()),
            (
                "of a newer version",
                r#"{"kind":"vision","account":"acme"}"#.to_owned(),
            ),
            (
                "with an id that is none",
                event(&place.account, "01J\n", now_ms()),
            ),
            ("quarantined", serde_json::to_string(&quarantined).unwrap()),
            (
                "too old",
                event(&place.account, "01H", now_ms() - day_ms - 60_000),
            ),
            ("old", event(&place.account, "01I", now_ms() - day_ms + 60_000)),
            (
                "a request",
                serde_json::to_string(&Message::Received(request)).unwrap(),
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
    let stay = [poison.as_slice(), &["quarantined", "too old"]].concat();
    assert_eq!(answer, Ok(staying(&stay)));
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
        (&json!(4), &json!(6))
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

#[tokio::test]
async fn a_batch_that_comes_again_records_nothing_twice() {
    let place = Place::new().await;
    let audit = tempfile::tempdir().unwrap();
    let function = place.function(audit.path()).await;
    let messages: Vec<(&str, String)> = ["01J", "01K", "01L"]
        .into_iter()
        .map(|run| (run, place.event(run)))
        .collect();
    for _ in 0..3 {
        assert_eq!(function.invoke(batch(&messages)).await, Ok(staying(&[])));
    }
    place.wait_for_workflows(3).await;
}

#[tokio::test]
async fn ids_that_would_be_one_if_they_were_joined_are_two() {
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
    assert_eq!(answer, Ok(staying(&[])));
    place.wait_for_workflows(3).await;
    for id in ["%3Ab:c", ":b%3Ac", ":b%253Ac"] {
        assert!(place.has(&format!("run:{name}{id}")).await, "{id}");
    }
}

#[tokio::test]
async fn while_temporal_is_away_everything_stays() {
    let function = Function::start(
        env!("CARGO_BIN_EXE_redeliver"),
        [("TEMPORAL_ADDRESS", NOWHERE.to_owned())],
    )
    .await;
    let messages = [
        ("1", event("acme", "01J", now_ms())),
        ("2", event("acme", "01K", now_ms())),
    ];
    assert_eq!(function.invoke(batch(&messages)).await, Ok(staying(&["1", "2"])));
    assert_eq!(function.invoke(batch(&[])).await, Ok(staying(&[])));
    // A failure of the function keeps the whole batch in the queue.
    assert!(function.invoke(json!({"records": []})).await.is_err());
}
