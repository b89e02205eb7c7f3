//! The program as Lambda runs it, with moto's S3, Secrets Manager and WAF, and a mock of Spacelift.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod addresses;
mod cloud;
mod manifests;

use serde_json::{Value, json};

use cloud::Cloud;

/// EventBridge's event. The function reads nothing from it.
fn tick() -> Value {
    json!({"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "region": "eu-west-1",
        "time": "2026-11-27T12:00:00Z", "detail": {}})
}

#[tokio::test]
async fn without_settings_nothing_is_done() {
    let cloud = Cloud::start().await;
    let function = cloud.function([]).await;
    let answer = function.invoke(tick()).await;
    assert_eq!(answer, Ok(json!({"manifest": "off", "allow_list": "off"})));
    assert_eq!(cloud.moto.calls().len(), 0);
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_upkeep"))
        .env_clear()
        .env("SPILLWAY_MANIFEST_KEY_SECRET_ID", "a-secret")
        .env(
            "SPILLWAY_ALLOWED_ADDRESSES_ARN",
            "arn:aws:wafv2:eu-west-1:1:regional/ipset/a/b",
        )
        .env("SPILLWAY_ALLOWED_ADDRESSES", "192.0.2.1/32,everything")
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    for part in [
        "SPILLWAY_AUDIT is not",
        "SPILLWAY_ALLOWED_ADDRESSES: `everything`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn a_job_that_fails_does_not_hinder_the_other_one() {
    let cloud = Cloud::start().await;
    cloud.key().await;
    cloud.write_chain("a").await;
    let set = cloud.ip_set(&["203.0.113.9/32"]).await;
    let variables = Cloud::with_spacelift(&set, "");
    let all = variables.into_iter().chain(Cloud::with_manifests());
    let function = cloud.function(all).await;
    cloud
        .moto
        .fault("GetIPSet", aws_stand_ins::moto::CallFault::Refused);
    let failure = function.invoke(tick()).await.unwrap_err();
    let said = failure["errorMessage"].as_str().unwrap();
    assert!(
        said.contains("the allowed addresses were not updated"),
        "{failure}"
    );
    assert_eq!(cloud.manifests().await.len(), 1, "the manifest was written");
    assert_eq!(cloud.addresses(&set).await, ["203.0.113.9/32"]);
    cloud::metric(&function, "UpkeepSucceeded", 0).await;

    cloud.moto.mend();
    let answer = function.invoke(tick()).await;
    assert_eq!(
        answer,
        Ok(json!({"manifest": "not_due", "allow_list": "updated"}))
    );
    cloud::metric(&function, "UpkeepSucceeded", 1).await;
}

/// A scheduled run, and one that a person starts. One of them may fail, since WAF refuses a list that has just changed.
#[tokio::test]
async fn two_runs_at_once_leave_one_list_and_a_manifest_that_holds() {
    let cloud = Cloud::start().await;
    let key = cloud.key().await;
    cloud.write_chain("a").await;
    let set = cloud.ip_set(&["203.0.113.9/32"]).await;
    let variables: Vec<_> = Cloud::with_spacelift(&set, "198.51.100.0/24")
        .into_iter()
        .chain(Cloud::with_manifests())
        .collect();
    let (first, second) = (
        cloud.function(variables.clone()).await,
        cloud.function(variables).await,
    );
    let (one, other) = tokio::join!(first.invoke(tick()), second.invoke(tick()));
    assert!(one.is_ok() || other.is_ok(), "{one:?} {other:?}");
    let after_both = cloud.addresses(&set).await;
    assert!(
        after_both.contains(&"198.51.100.0/24".to_owned()),
        "{after_both:?}"
    );
    assert!(
        !after_both.contains(&"203.0.113.9/32".to_owned()),
        "{after_both:?}"
    );
    let manifest = cloud.newest(&key).await;
    assert_eq!(manifest.lost(&cloud.store).await.unwrap(), []);
    let answer = first.invoke(tick()).await;
    assert_eq!(
        answer,
        Ok(json!({"manifest": "not_due", "allow_list": "unchanged"}))
    );
}

#[tokio::test]
async fn a_manifest_that_fails_does_not_hinder_the_list_of_addresses() {
    let cloud = Cloud::start().await;
    let set = cloud.ip_set(&["203.0.113.9/32"]).await;
    let variables = Cloud::with_spacelift(&set, "");
    let all = variables.into_iter().chain(Cloud::with_manifests());
    let function = cloud.function(all).await;
    let failure = function.invoke(tick()).await.unwrap_err();
    let said = failure["errorMessage"].as_str().unwrap();
    assert!(
        said.contains("no manifest of the audit log was written"),
        "{failure}"
    );
    assert_ne!(cloud.addresses(&set).await, ["203.0.113.9/32"]);
}
