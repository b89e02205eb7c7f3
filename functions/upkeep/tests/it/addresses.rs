//! The list of addresses that may call the webhook.

use serde_json::json;

use crate::cloud::{Cloud, metric};
use crate::tick;

/// What the mock of Spacelift says.
const OF_SPACELIFT: &str = "192.0.2.1/32";

#[tokio::test]
async fn the_list_becomes_spacelifts_addresses_and_the_operators_networks() {
    let cloud = Cloud::start().await;
    let set = cloud.ip_set(&["203.0.113.9/32"]).await;
    let function = cloud
        .function(Cloud::with_spacelift(&set, "198.51.100.0/24"))
        .await;
    for expected in ["updated", "unchanged"] {
        let answer = function.invoke(tick()).await;
        assert_eq!(answer, Ok(json!({"manifest": "off", "allow_list": expected})));
        let allowed = cloud.addresses(&set).await;
        assert_eq!(allowed, [OF_SPACELIFT, "198.51.100.0/24"]);
    }
    assert_eq!(cloud.moto.count("UpdateIPSet"), 1);
    metric(&function, "AllowedAddressesChanged", 1).await;
    metric(&function, "AllowedAddressesChanged", 0).await;
}

/// CloudFormation writes the operator's list when the parameter changes.
#[tokio::test]
async fn a_list_that_somebody_wrote_over_is_completed_again() {
    let cloud = Cloud::start().await;
    let set = cloud.ip_set(&["198.51.100.0/24"]).await;
    let function = cloud
        .function(Cloud::with_spacelift(&set, "198.51.100.0/24"))
        .await;
    assert!(function.invoke(tick()).await.is_ok());
    assert_eq!(cloud.addresses(&set).await, [OF_SPACELIFT, "198.51.100.0/24"]);
}

#[tokio::test]
async fn without_spacelifts_answer_the_list_stays_as_it_is() {
    let cloud = Cloud::start().await;
    let set = cloud.ip_set(&["203.0.113.9/32"]).await;
    let mut variables = Cloud::with_spacelift(&set, "198.51.100.0/24").to_vec();
    // A variable takes precedence over the secret. Nothing listens there.
    variables.push(("SPACELIFT_BASE_URL", "http://127.0.0.1:9".to_owned()));
    let function = cloud.function(variables).await;
    let failure = function.invoke(tick()).await.unwrap_err();
    let said = failure["errorMessage"].as_str().unwrap();
    assert!(said.contains("the allowed addresses were not updated"), "{said}");
    assert_eq!(cloud.addresses(&set).await, ["203.0.113.9/32"]);
    assert_eq!(cloud.moto.count("UpdateIPSet"), 0);
}
