//! The signed manifest of each day.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use audit::Store;
use audit::manifest::{self, Manifest};
use serde_json::json;

use crate::cloud::{Cloud, metric, new_key, put_chain, put_manifest};
use crate::tick;

/// Changes a record without a trace in the listing, which nobody can do in S3, and makes it old.
fn change_unseen(log: &Path, chain: &str) {
    let path = log.join(format!("chains/{chain}/00000001.jsonl"));
    fs::remove_file(&path).unwrap();
    fs::write(&path, "{}\n").unwrap();
    age(&path);
}

fn age(path: &Path) {
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_745_600_100);
    let file = File::open(path).unwrap();
    file.set_modified(long_ago).unwrap();
}

/// A log in a directory, since the times of S3 cannot be set.
#[tokio::test]
async fn unchanged_chains_are_read_only_if_a_manifest_is_not_ours() {
    let cloud = Cloud::start().await;
    let key = cloud.key().await;
    for (has_foreign, lost) in [(false, 0), (true, 1)] {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::in_directory(directory.path());
        for chain in ["a", "b"] {
            put_chain(&store, chain).await;
            age(&directory.path().join(format!("chains/{chain}/00000001.jsonl")));
        }
        put_manifest(&store, &key, 25).await;
        if has_foreign {
            put_manifest(&store, &new_key().0, 1).await;
        }
        change_unseen(directory.path(), "a");
        let mut variables = Cloud::with_manifests();
        variables[0].1 = directory.path().display().to_string();
        let function = cloud.function(variables).await;
        let answer = function.invoke(tick()).await;
        assert_eq!(answer, Ok(json!({"manifest": "written", "allow_list": "off"})));
        metric(&function, "AuditLost", lost).await;
    }
}

#[tokio::test]
async fn a_manifest_is_written_when_there_is_none_of_this_day() {
    let cloud = Cloud::start().await;
    let key = cloud.key().await;
    cloud.write_chain("a").await;
    cloud.write_chain("b").await;
    let function = cloud.function(Cloud::with_manifests()).await;
    for expected in ["written", "not_due", "not_due"] {
        let answer = function.invoke(tick()).await;
        assert_eq!(answer, Ok(json!({"manifest": expected, "allow_list": "off"})));
    }
    assert_eq!(cloud.manifests().await.len(), 1);
    let manifest = cloud.newest(&key).await;
    assert_eq!(manifest.heads.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(manifest.lost(&cloud.store).await.unwrap(), []);
    metric(&function, "AuditLost", 0).await;
    metric(&function, "ManifestsRefused", 0).await;
    let begins = |lines: &[String]| {
        lines
            .iter()
            .any(|line| line.contains("2 chains and no manifest yet"))
    };
    function.wait_for_lines("that it is the first one", begins).await;
    metric(&function, "UpkeepSucceeded", 1).await;
    let put = |call: &&aws_stand_ins::moto::Call| call.operation == "PutObject";
    let calls = cloud.moto.calls();
    let put = calls.iter().find(put).unwrap();
    assert_eq!(
        put.headers["if-none-match"], "*",
        "the bucket refuses anything else"
    );
}

#[tokio::test]
async fn a_chain_that_was_replaced_since_yesterday_is_counted_and_stays_in_the_manifest() {
    let cloud = Cloud::start().await;
    let key = cloud.key().await;
    cloud.write_chain("a").await;
    cloud.write_chain("b").await;
    cloud.put_manifest(&key, 25).await;
    let before = cloud.newest(&key).await;
    cloud.rewrite_chain("b").await;

    let function = cloud.function(Cloud::with_manifests()).await;
    let answer = function.invoke(tick()).await;
    assert_eq!(answer, Ok(json!({"manifest": "written", "allow_list": "off"})));
    metric(&function, "AuditLost", 1).await;
    let named = |lines: &[String]| lines.iter().any(|line| line.contains("\"audit.chain\":\"b\""));
    function.wait_for_lines("the chain's name", named).await;
    let manifest = cloud.newest(&key).await;
    assert_ne!(manifest.made_at_ms, before.made_at_ms);
    assert_eq!(manifest.heads["b"].hash, before.heads["b"].hash);
}

#[tokio::test]
async fn a_chain_without_its_beginning_is_counted_each_day() {
    let cloud = Cloud::start().await;
    let key = cloud.key().await;
    cloud.write_chain_of_two("a").await;
    cloud.put_manifest(&key, 49).await;
    cloud.remove_beginning("a").await;
    // As the function would have made it yesterday.
    let before = cloud.newest(&key).await;
    let yesterday = before.made_at_ms + 24 * 3_600_000;
    let made = Manifest::after(Some(&before), &cloud.store, yesterday)
        .await
        .unwrap();
    manifest::put(&cloud.store, &key.sign(made.manifest))
        .await
        .unwrap();

    let function = cloud.function(Cloud::with_manifests()).await;
    let answer = function.invoke(tick()).await;
    assert_eq!(answer, Ok(json!({"manifest": "written", "allow_list": "off"})));
    metric(&function, "AuditLost", 1).await;
    let named = |lines: &[String]| {
        let is_it =
            |line: &String| line.contains("\"audit.chain\":\"a\"") && line.contains("is missing before it");
        lines.iter().any(is_it)
    };
    function.wait_for_lines("the chain's name and fault", named).await;
}

/// More than are tried, and one that the key itself signed, by a wrong clock.
#[tokio::test]
async fn manifests_of_the_future_neither_hide_what_was_lost_nor_stop_the_next_one() {
    let cloud = Cloud::start().await;
    let key = cloud.key().await;
    cloud.write_chain("a").await;
    cloud.put_manifest(&key, 25).await;
    cloud.rewrite_chain("a").await;
    cloud.put_future_manifests(33).await;
    cloud.put_manifest(&key, -48).await;
    let function = cloud.function(Cloud::with_manifests()).await;
    for expected in ["written", "not_due"] {
        let answer = function.invoke(tick()).await;
        assert_eq!(answer, Ok(json!({"manifest": expected, "allow_list": "off"})));
    }
    metric(&function, "ManifestsRefused", 34).await;
    metric(&function, "AuditLost", 1).await;
}

#[tokio::test]
async fn a_foreign_manifest_is_counted_and_does_not_hide_what_was_lost() {
    let cloud = Cloud::start().await;
    let key = cloud.key().await;
    cloud.write_chain("a").await;
    cloud.put_manifest(&key, 25).await;
    cloud.rewrite_chain("a").await;
    cloud.put_manifest(&new_key().0, 1).await;
    let function = cloud.function(Cloud::with_manifests()).await;
    let answer = function.invoke(tick()).await;
    assert_eq!(answer, Ok(json!({"manifest": "written", "allow_list": "off"})));
    metric(&function, "ManifestsRefused", 1).await;
    metric(&function, "AuditLost", 1).await;
}

#[tokio::test]
async fn a_key_that_cannot_be_read_fails_the_run_and_is_not_shown() {
    let cloud = Cloud::start().await;
    let function = cloud.function(Cloud::with_manifests()).await;
    let failure = function.invoke(tick()).await.unwrap_err();
    let said = failure["errorMessage"].as_str().unwrap();
    assert!(
        said.contains("no manifest of the audit log was written"),
        "{said}"
    );
    assert!(said.contains("SPILLWAY_MANIFEST_KEY_SECRET_ID"), "{said}");
    metric(&function, "UpkeepSucceeded", 0).await;
}
