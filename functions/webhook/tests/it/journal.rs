//! The audit log of the webhook.

use std::path::Path;
use std::time::Duration;

use audit::Store;
use chain::signature::{WebhookSecrets, sign};
use serde_json::Value;
use tokio::net::TcpListener;
use webhook::{Config, router, serve};

use crate::{
    OTHER_SECRET, SECRET, answer, config_with, delivery, old_bodies, pass, secret, status_of_signed,
};

/// The entries of an audit log, by time.
pub(crate) async fn entries(audit: &Path) -> Vec<Value> {
    let store = Store::in_directory(audit);
    let mut entries = Vec::new();
    for object in store.deliveries().await.unwrap() {
        let mut record: Value = serde_json::from_slice(&store.read(&object.key).await.unwrap()).unwrap();
        entries.push(record["entry"].take());
    }
    entries
}

/// How many refusals each record of an audit log stands for, by time.
pub(crate) async fn refusals(audit: &Path) -> Vec<u64> {
    let entries = entries(audit).await;
    let refused = entries
        .iter()
        .filter(|entry| entry["action"] == "delivery_refused");
    refused.map(|entry| entry["count"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn refusals_are_summarized_once_a_minute() {
    let audit = tempfile::tempdir().unwrap();
    let router = router(Config {
        audit: Some(Store::in_directory(audit.path())),
        ..config_with(WebhookSecrets::from(secret(SECRET)))
    });
    for _ in 0..50 {
        assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 401);
    }
    assert_eq!(refusals(audit.path()).await, [1], "the first one at once");
    pass(Duration::from_secs(61)).await;
    // Whatever comes next: a function has no timer.
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
    let mut counts = refusals(audit.path()).await;
    counts.sort_unstable();
    assert_eq!(counts, [1, 49], "the others together, a minute later");
}

#[tokio::test]
async fn replays_of_old_bodies_are_summarized_too() {
    let audit = tempfile::tempdir().unwrap();
    let router = router(Config {
        audit: Some(Store::in_directory(audit.path())),
        ..config_with(WebhookSecrets::from(secret(SECRET)))
    });
    for _ in 0..10 {
        for body in old_bodies() {
            let signature = sign(body.as_bytes(), &secret(SECRET));
            answer(&router, delivery(&body, &signature)).await;
        }
    }
    assert_eq!(entries(audit.path()).await.len(), 2, "the first one of each kind");
    pass(Duration::from_secs(61)).await;
    assert_eq!(status_of_signed(&router, SECRET).await, 200);
    let mut counts = Vec::new();
    for entry in entries(audit.path()).await {
        counts.push((
            entry["action"].as_str().unwrap().to_owned(),
            entry["count"].as_u64().unwrap(),
        ));
    }
    counts.sort_unstable();
    let expected = [
        ("delivery_ignored", 1),
        ("delivery_ignored", 1),
        ("delivery_ignored", 29),
        ("delivery_unreadable", 1),
        ("delivery_unreadable", 9),
    ];
    assert_eq!(counts, expected.map(|(action, count)| (action.to_owned(), count)));
}

#[tokio::test]
async fn a_server_writes_refusals_after_a_minute_though_nothing_else_comes() {
    let audit = tempfile::tempdir().unwrap();
    let config = Config {
        audit: Some(Store::in_directory(audit.path())),
        ..config_with(WebhookSecrets::from(secret(SECRET)))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/webhook", listener.local_addr().unwrap());
    tokio::spawn(serve(listener, config, std::future::pending()));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..3 {
        let request = client.post(&url).header("content-type", "application/json");
        assert_eq!(request.body("{}").send().await.unwrap().status(), 401);
    }
    assert_eq!(refusals(audit.path()).await, [1]);
    pass(Duration::from_secs(61)).await;
    let written = async {
        while refusals(audit.path()).await.iter().sum::<u64>() < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), written)
        .await
        .expect("the others are written");
}

#[tokio::test]
async fn refusals_that_could_not_be_written_are_in_the_next_record() {
    let directory = tempfile::tempdir().unwrap();
    let audit = directory.path().join("audit");
    let router = router(Config {
        audit: Some(Store::in_directory(&audit)),
        ..config_with(WebhookSecrets::from(secret(SECRET)))
    });
    // A file where the directory should be.
    std::fs::write(&audit, "").unwrap();
    assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 401);
    std::fs::remove_file(&audit).unwrap();
    pass(Duration::from_secs(61)).await;
    assert_eq!(status_of_signed(&router, OTHER_SECRET).await, 401);
    assert_eq!(refusals(&audit).await, [2]);
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
