//! The function that a schedule starts: it has what its jobs need, and nothing while they are off.

use audit::{Action, Entry, Location, Store, Trail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::grants;
use super::running::{BY_KEY, BY_LAMBDA, assert_exact};
use super::system::{KMS_KEY, System};
use super::template::{Filled, load, resources, text};
use crate::world::program;

/// What precedes the 32 bytes of an Ed25519 key in PKCS #8, as OpenSSL writes it.
const KEY_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];
const OWN_NETWORK: &str = "198.51.100.0/24";
const KEY_ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:manifest-key-Ab1Cd2";

/// A signing key in PEM.
pub(crate) fn key() -> String {
    let (label, text) = (
        "PRIVATE KEY",
        STANDARD.encode([KEY_PREFIX, [7; 16], [9; 16]].concat()),
    );
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[tokio::test]
async fn the_upkeep_function_has_exactly_the_rights_that_it_uses() {
    let system = System::start().await;
    let set = json!({"Name": "Addresses", "Scope": "REGIONAL", "IPAddressVersion": "IPV4", "Addresses": [OWN_NETWORK]});
    let set = system
        .cloud
        .json("wafv2", "AWSWAF_20190729.CreateIPSet", set)
        .await;
    let set = text(&set["Summary"]["ARN"]);
    let location: Location = format!("s3://{}", system.made("AuditBucketName"))
        .parse()
        .unwrap();
    let store = Store::at(&location, &system.cloud.moto.own_aws());
    let record = Trail::default().append(Entry {
        chain: Some("a".to_owned()),
        ..Entry::new(1, "worker", Action::ChainStarted)
    });
    store.put_chain("a", &[record]).await.unwrap();

    let more = [
        ("AllowedAddresses", OWN_NETWORK),
        ("AllowList.Outputs.AddressesArn", set.as_str()),
        ("KmsKeyArn", KMS_KEY),
    ];
    let variables = system.of_function_with("Upkeep", &more);
    let function = system.function(&program("upkeep"), "upkeep", variables).await;
    for (manifest, allow_list) in [("written", "updated"), ("not_due", "unchanged")] {
        let answer = function.invoke(json!({})).await;
        assert_eq!(
            answer,
            Ok(json!({"manifest": manifest, "allow_list": allow_list}))
        );
    }
    let mut granted = grants::of_role(&system.nested_with("Roles", &more), "UpkeepRole");
    let list = Filled::new("infra/allowlist.yaml", [("Addresses.Arn", set.clone())]);
    granted.extend(grants::of(&list.resource("MayUpdateAddresses")["PolicyDocument"]));
    let by_others = [BY_LAMBDA.as_slice(), &BY_KEY].concat();
    assert_exact(&granted, &system.calls("upkeep"), &by_others);
}

/// Otherwise whoever takes over the worker could sign manifests of a log that it changed.
#[test]
fn no_other_role_may_read_the_key_that_signs_manifests() {
    let given = [
        ("ManifestKeySecretArn", KEY_ARN.to_owned()),
        ("HasUpkeep", "true".to_owned()),
    ];
    let mut readers = Vec::new();
    for path in ["infra/roles.yaml", "infra/worker.yaml"] {
        let template = load(path);
        for (role, _) in resources(&template, "AWS::IAM::Role") {
            let granted = grants::of_role(&Filled::new(path, given.clone()), role);
            if granted.iter().any(|grant| grant.resource == KEY_ARN) {
                readers.push(role.to_owned());
            }
        }
    }
    assert_eq!(readers, ["UpkeepRole"]);
}

#[test]
fn each_job_is_on_only_if_it_is_configured() {
    for (key, addresses, updates, manifests, list) in [
        ("", "", "true", false, false),
        (KEY_ARN, "", "true", true, false),
        ("", OWN_NETWORK, "true", false, true),
        ("", OWN_NETWORK, "false", false, false),
        (KEY_ARN, OWN_NETWORK, "true", true, true),
    ] {
        let given = [
            ("ManifestKeySecretArn", key),
            ("AllowedAddresses", addresses),
            ("UpdateAllowedAddresses", updates),
        ];
        let root = Filled::new(
            "template.yaml",
            given.map(|(name, value)| (name, value.to_owned())),
        );
        let variables = &root.resource("Upkeep")["Environment"]["Variables"];
        let has = |name: &str| variables.get(name).is_some();
        assert_eq!(has("SPILLWAY_MANIFEST_KEY_SECRET_ID"), manifests, "{given:?}");
        for name in [
            "SPILLWAY_ALLOWED_ADDRESSES",
            "SPILLWAY_ALLOWED_ADDRESSES_ARN",
            "SPACELIFT_SECRET_ID",
        ] {
            assert_eq!(has(name), list, "{name} with {given:?}");
        }
        let is_on = (manifests || list).to_string();
        for nested in ["Roles", "Alarms"] {
            let passed = &root.resource(nested)["Parameters"]["HasUpkeep"];
            assert_eq!(*passed, is_on, "{nested} with {given:?}");
        }
        let role = text(&root.resource("AllowList")["Parameters"]["UpkeepRoleName"]);
        assert_eq!(!role.is_empty(), list, "{given:?}");
    }
    let template = load("template.yaml");
    for resource in ["Upkeep", "UpkeepLog"] {
        let condition = &template["Resources"][resource]["Condition"];
        assert_eq!(condition, "HasUpkeep", "{resource}");
    }
}

/// The function expects a run each hour, and its alarm three runs in three hours.
#[test]
fn the_upkeep_runs_each_hour() {
    let template = load("template.yaml");
    let events = template["Resources"]["Upkeep"]["Properties"]["Events"]
        .as_object()
        .unwrap();
    assert_eq!(events.len(), 1);
    let schedule = &events["EachHour"];
    assert_eq!(schedule["Type"], "Schedule");
    assert_eq!(schedule["Properties"]["Schedule"], "rate(1 hour)");
}
