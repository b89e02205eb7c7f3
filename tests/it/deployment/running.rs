//! The rights of the roles are exactly those that the programs use, with every feature enabled, on moto.

use chain::ChainId;
use std::time::Duration;

use audit::verify;
use audit::{Location, Store};
use aws_sdk_s3::types::ObjectLockMode;
use aws_stand_ins::moto::Call;
use chain::ChainResult;
use chain::RunState;
use chain::freeze::{Coverage, Freeze};
use mock_spacelift::{DeliveryRecord, NewWebhook};
use reqwest::header::HeaderName;
use serde_json::{Value, json};
use settings::Settings;
use temporal_client::{TemporalSettings, WorkflowClient};

use super::grants::{Grant, needed};
use super::system::{NOWHERE, PAYLOAD_KEY, SECRET, System, of_api_gateway};
use super::template::text;
use crate::world::{WAIT_MAX, add_graph, now_s, program};

/// Rights that others use on behalf of a program, each with the reason.
pub(crate) const BY_LAMBDA: [(&str, &str); 4] = [
    ("logs:CreateLogStream", "Lambda writes what is on standard output"),
    ("logs:PutLogEvents", "Lambda writes what is on standard output"),
    ("xray:PutTelemetryRecords", "Lambda traces"),
    ("xray:PutTraceSegments", "Lambda traces"),
];
const BY_THE_QUEUE: [(&str, &str); 3] = [
    ("sqs:ReceiveMessage", "Lambda feeds the function"),
    ("sqs:DeleteMessage", "Lambda feeds the function"),
    ("sqs:GetQueueAttributes", "Lambda feeds the function"),
];
/// This right is used only after a lost answer to a write, which the tests of the crate `audit` show.
const BY_COMPARISON: [(&str, &str); 1] = [(
    "s3:GetObject",
    "an existing batch is compared with the one to be written",
)];
pub(crate) const BY_KEY: [(&str, &str); 2] = [
    (
        "kms:Decrypt",
        "Secrets Manager, SQS and S3 use the key for who calls them",
    ),
    ("kms:GenerateDataKey", "SQS and S3 use the key for who calls them"),
];

#[track_caller]
pub(crate) fn assert_exact(grants: &[Grant], calls: &[Call], by_others: &[(&str, &str)]) {
    let needed: Vec<Grant> = calls.iter().map(needed).collect();
    assert!(!needed.is_empty());
    for call in &needed {
        assert!(
            grants.iter().any(|grant| grant.covers(call)),
            "not granted: {call}"
        );
    }
    for grant in grants {
        let is_used = needed.iter().any(|call| grant.covers(call));
        let is_of_others = by_others.iter().any(|(action, _)| *action == grant.action);
        assert!(is_used != is_of_others, "granted: {grant}; used: {is_used}");
    }
    for (action, reason) in by_others {
        let granted = grants.iter().any(|grant| grant.action == *action);
        assert!(granted, "not granted: {action}, though {reason}");
    }
}

pub(crate) fn event(account: &str, run: &str) -> String {
    json!({
        "account": {"name": account},
        "run_updated": {
            "state": "FINISHED",
            "run": {"id": run, "branch": "main", "type": "TRACKED", "updated_at": now_s() * 1_000_000_000},
            "stack": {"id": "network", "name": "Network"},
        },
    })
    .to_string()
}

#[tokio::test]
async fn the_webhook_has_exactly_the_rights_that_it_uses() {
    let system = System::start().await;
    let mut variables = system.of_function("Webhook");
    let webhook = system.webhook(&variables).await;
    let (status, said) = webhook.post(&event(&system.account, "01J")).await;
    assert_eq!(
        (status.as_u16(), &said["result"]),
        (202, &json!("accepted")),
        "{said}"
    );
    let (status, said) = webhook.post("{}x").await;
    assert_eq!(
        (status.as_u16(), &said["result"]),
        (202, &json!("kept")),
        "{said}"
    );
    let forged = format!("sha256={}", "0".repeat(64));
    assert_eq!(webhook.post_signed("{}", &forged).await.0, 401);
    variables.insert("TEMPORAL_ADDRESS".to_owned(), NOWHERE.to_owned());
    let cut_off = system.webhook(&variables).await;
    let (status, said) = cut_off.post(&event(&system.account, "01K")).await;
    assert_eq!(
        (status.as_u16(), &said["result"]),
        (202, &json!("buffered")),
        "{said}"
    );
    assert_exact(
        &system.grants("Roles", "WebhookRole"),
        &system.calls("webhook"),
        &[BY_LAMBDA.as_slice(), &BY_KEY].concat(),
    );
}

#[tokio::test]
async fn the_redelivery_function_has_exactly_the_rights_that_it_uses() {
    let system = System::start().await;
    let mut variables = system.of_function("Webhook");
    variables.insert("TEMPORAL_ADDRESS".to_owned(), NOWHERE.to_owned());
    let cut_off = system.webhook(&variables).await;
    assert_eq!(cut_off.post(&event(&system.account, "01J")).await.0, 202);

    let mut batch = system.batch().await;
    batch["Records"][0]["attributes"]["ApproximateReceiveCount"] = json!("2");
    let mut variables = system.of_function("Redeliver");
    let function = system.redeliver(&variables).await;
    variables.insert("TEMPORAL_ADDRESS".to_owned(), NOWHERE.to_owned());
    let cut_off = system.redeliver(&variables).await;
    let stays = json!([{"itemIdentifier": batch["Records"][0]["messageId"]}]);
    assert_eq!(
        cut_off.invoke(batch.clone()).await,
        Ok(json!({ "batchItemFailures": stays }))
    );
    let hidden = |call: &Call| call.body.contains("\"VisibilityTimeout\":180");
    assert!(
        system.calls("redeliver").iter().any(hidden),
        "twice as long as after the first try"
    );
    assert_eq!(function.invoke(batch).await, Ok(json!({"batchItemFailures": []})));
    assert_exact(
        &system.grants("Roles", "RedeliverRole"),
        &system.calls("redeliver"),
        &[BY_LAMBDA.as_slice(), &BY_THE_QUEUE, &BY_KEY].concat(),
    );
}

#[tokio::test]
async fn the_redelivery_function_counts_new_and_repeated_events() {
    let system = System::start().await;
    let spacelift = &system.spacelift;
    add_graph(spacelift, "network", &[]);
    let root = spacelift.push("network");
    let _worker = system.worker().await;
    let variables = system.of_function("Webhook");
    let webhook = system.function(&program("webhook"), "webhook", variables).await;
    let delivery = of_api_gateway(&event(&system.account, root.as_str()));
    let mut answers = Vec::new();
    // It is a duplicate once the run has been followed to its end.
    let duplicate = tokio::time::timeout(WAIT_MAX, async {
        while answers.last().is_none_or(|last| last != "duplicate") {
            let answer = webhook.invoke(delivery.clone()).await.unwrap();
            let said: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
            answers.push(said["result"].as_str().unwrap().to_owned());
        }
    });
    duplicate.await.expect("a duplicate in the end");
    let counted = |lines: &[String]| -> Vec<String> {
        let lines = lines.iter().filter_map(|line| serde_json::from_str(line).ok());
        let counts = lines.filter(|line: &Value| line["Deliveries"] == 1 && line["AuthenticDeliveries"] == 1);
        counts.map(|line| text(&line["Answer"])).collect()
    };
    let lines = webhook
        .wait_for_lines("a line for each", |lines| counted(lines).len() == answers.len())
        .await;
    assert_eq!(counted(&lines), answers);
    assert_eq!(answers[0], "accepted");
}

#[tokio::test]
async fn a_deployed_chain_runs_with_a_locked_audit_bucket_and_minimal_rights() {
    let system = System::start().await;
    let spacelift = &system.spacelift;
    add_graph(spacelift, "network; database: network; platform: database", &[]);
    let webhook = system.webhook(&system.of_function("Webhook")).await;
    let _worker = system.worker().await;
    spacelift.webhook(&NewWebhook::on_every_stack(format!("{}/webhook", webhook.url), SECRET).retrying());
    let root = spacelift.push("network");
    let chain = ChainId::of_root_run(&system.account.parse().unwrap(), &root);
    let watching = workflows(&system).await;
    let freeze = Freeze {
        by: "alice".to_owned(),
        reason: "to be in the log".to_owned(),
        until_ms: i64::try_from(now_s()).unwrap() * 1000 + 3_600_000,
        coverage: Coverage {
            stacks: vec!["nothing".to_owned()],
            ..Coverage::default()
        },
    };
    let account = system.account.parse().unwrap();
    assert_eq!(watching.freeze(&account, &freeze).await.unwrap(), None);
    let ended = tokio::time::timeout(WAIT_MAX, watching.end_of_chain(&chain));
    assert_eq!(ended.await.unwrap().unwrap().result, ChainResult::Succeeded);
    assert!(spacelift.runs().iter().all(|run| run.state == RunState::Finished));
    assert_eq!(spacelift.runs().len(), 3);
    // The end of the last run may still be in transit to the webhook.
    let is_of_end = |delivery: &DeliveryRecord| String::from_utf8_lossy(&delivery.body).contains("FINISHED");
    spacelift
        .wait_until("the end of each run to be delivered", |spacelift| {
            spacelift
                .deliveries()
                .iter()
                .filter(|delivery| is_of_end(delivery))
                .count()
                == 3
        })
        .await;
    assert!(spacelift.deliveries().iter().all(DeliveryRecord::succeeded));

    // The sink gets the end of the chain a moment later, and a freeze is recorded outside of the chain.
    tokio::time::timeout(WAIT_MAX, async {
        let is_end = |call: &Call| call.operation == "PutEvents" && call.body.contains("succeeded");
        let is_freeze = |call: &Call| call.operation == "PutObject" && call.path.contains("/deliveries/");
        loop {
            let calls = system.calls("worker");
            if calls.iter().any(is_end) && calls.iter().any(is_freeze) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await
    .unwrap();
    let calls = system.calls("worker");
    let by_others = [BY_COMPARISON.as_slice(), &BY_KEY].concat();
    let grants = system.grants("Worker", "TaskRole");
    assert_exact(&grants, &calls, &by_others);
    let mut reads = grants.iter().filter(|grant| grant.action == "s3:GetObject");
    assert!(reads.all(|grant| grant.resource.ends_with("/chains/*")));
    let of_webhook = system.calls("webhook");
    let is_put = |call: &&Call| call.operation == "PutObject";
    for put in calls.iter().chain(&of_webhook).filter(is_put) {
        assert_eq!(put.headers["if-none-match"], "*", "{}", put.path);
        let mut names = put.headers.keys().map(HeaderName::as_str);
        assert!(
            names.any(|name| name.starts_with("x-amz-checksum-") || name == "content-md5"),
            "a bucket with a lock takes nothing without a checksum: {:?}",
            put.headers
        );
    }
    assert_log(&system, chain.as_str()).await;
}

/// The log is complete, and each object exists once and is locked.
async fn assert_log(system: &System, chain: &str) {
    let aws = system.cloud.moto.own_aws();
    let bucket = system.made("AuditBucketName");
    let location: Location = format!("s3://{bucket}").parse().unwrap();
    let store = Store::at(&location, &aws);
    let summary = verify::store(&store).await.unwrap();
    assert!(!summary.is_broken(), "{summary:?}");
    assert_eq!((summary.chains, summary.intact), (1, 1), "{summary:?}");
    assert!(summary.deliveries > 3, "{summary:?}");
    let stored = store.chain(chain).await.unwrap();
    assert_eq!(verify::read_chain(&store, &stored).await.unwrap().id, chain);

    let client = system.cloud.s3();
    let listed = client.list_object_versions().bucket(bucket).send().await.unwrap();
    let objects = stored.objects.len() + usize::try_from(summary.deliveries).unwrap();
    assert_eq!(listed.versions().len(), objects);
    for version in listed.versions() {
        let head = client.head_object().bucket(bucket).key(version.key().unwrap());
        let object = head.send().await.unwrap();
        assert_eq!(
            object.object_lock_mode(),
            Some(&ObjectLockMode::Governance),
            "{version:?}"
        );
        assert!(object.object_lock_retain_until_date().is_some(), "{version:?}");
    }
}

/// Reads the system's workflows with its own key.
pub(crate) async fn workflows(system: &System) -> WorkflowClient {
    let variables = [
        ("TEMPORAL_ADDRESS", system.temporal.as_str()),
        ("SPILLWAY_PAYLOAD_KEY", PAYLOAD_KEY),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let client = TemporalSettings::from_variables(&variables.into())
        .unwrap()
        .connect()
        .await;
    let settings = Settings {
        task_queue: system.account.clone(),
        ..Settings::default()
    };
    WorkflowClient::new(client.unwrap(), settings)
}
