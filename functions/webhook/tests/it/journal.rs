//! What is written into the audit log.

use std::path::Path;
use std::time::Duration;

use audit::Store;
use chain::signature::WebhookSecrets;
use serde_json::Value;
use webhook::{Config, router};

use crate::{OTHER_SECRET, SECRET, config_with, pass, secret, status_of_signed};

/// What stands in the records of an audit log, in the order of their times.
pub(crate) async fn entries(audit: &Path) -> Vec<Value> {
    let store = Store::in_directory(audit);
    let mut entries = Vec::new();
    for object in store.deliveries().await.unwrap() {
        let mut record: Value = serde_json::from_slice(&store.read(&object.key).await.unwrap()).unwrap();
        entries.push(record["entry"].take());
    }
    entries
}

#[tokio::test]
async fn refusals_are_summed_up_once_a_minute() {
    let audit = tempfile::tempdir().unwrap();
    let router = router(Config {
        audit: Some(Store::in_directory(audit.path())),
        ..config_with(WebhookSecrets::from(secret(SECRET)))
    });
    let counts = async || -> Vec<Value> {
        let entries = entries(audit.path()).await;
        assert!(entries.iter().all(|entry| entry["action"] == "delivery_refused"));
        entries.into_iter().map(|entry| entry["count"].clone()).collect()
    };
    for _ in 0..50 {
        assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 401);
    }
    assert_eq!(counts().await, [1], "the first one at once");
    pass(Duration::from_secs(61)).await;
    assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 401);
    let mut counts = counts().await;
    counts.sort_by_key(Value::as_u64);
    assert_eq!(counts, [1, 50], "those in between with the next one");
}

#[tokio::test]
async fn a_log_that_cannot_be_written_changes_no_answer() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let router = router(Config {
        audit: Some(Store::in_directory(file.path())),
        ..config_with(WebhookSecrets::from(secret(SECRET)))
    });
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
    assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 401);
}
