//! Labels are changed by reading, changing and writing all settings.

use serde_json::{Value, json};
use spacelift::{ErrorKind, Spacelift};
use wiremock::MockServer;

use crate::server::{client, data, operation, stack, start};

/// A stack's settings as a query returns them.
fn settings() -> Value {
    json!({
        "name": "App", "description": "d", "space": "root", "labels": ["a"], "repository": "infra",
        "repositoryURL": null, "branch": "main", "namespace": "acme", "provider": "GITHUB", "projectRoot": "app",
        "additionalProjectGlobs": [], "gitSparseCheckoutPaths": [], "administrative": false, "autodeploy": true,
        "autoretry": false, "githubActionDeploy": true, "localPreviewEnabled": false, "protectFromDeletion": true,
        "enableWellKnownSecretMasking": true, "enableSensitiveOutputUpload": true, "runnerImage": null,
        "afterApply": ["echo done"], "beforeApply": [], "afterInit": [], "beforeInit": [], "afterPlan": [],
        "beforePlan": [], "afterPerform": [], "beforePerform": [], "afterDestroy": [], "beforeDestroy": [],
        "afterRun": [], "workerPool": {"id": "pool"}, "vcsIntegration": null,
        "vendorConfig": {"__typename": "StackConfigVendorPulumi", "loginURL": "s3://state", "stackName": "prod"}
    })
}

async fn serves(settings: Value, updates: u64) -> (MockServer, Spacelift) {
    let (server, _) = start().await;
    operation("StackSettings")
        .respond_with(data(&json!({"stack": settings})))
        .mount(&server)
        .await;
    operation("Stack")
        .respond_with(data(&json!({"stack": stack("app")})))
        .mount(&server)
        .await;
    let written = data(&json!({"stackUpdate": stack("app")}));
    operation("StackUpdate")
        .respond_with(written)
        .expect(updates)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    (server, client)
}

#[tokio::test]
async fn labels_change_and_nothing_else() {
    let (server, client) = serves(settings(), 1).await;
    let add = |labels: Vec<String>| labels.into_iter().chain(["dependsOn:vpc".to_owned()]).collect();
    client.relabel_stack(&"app".parse().unwrap(), add).await.unwrap();

    let requests = server.received_requests().await.unwrap();
    let sent: Value = requests.last().unwrap().body_json().unwrap();
    let mut expected = settings();
    expected["labels"] = json!(["a", "dependsOn:vpc"]);
    expected["workerPool"] = json!("pool");
    expected["vendorConfig"] = json!({"pulumi": {"loginURL": "s3://state", "stackName": "prod"}});
    // Settings without a value are not sent.
    expected
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    assert_eq!(sent["variables"], json!({"id": "app", "input": expected}));
}

#[tokio::test]
async fn labels_that_stay_are_not_written() {
    let (_server, client) = serves(settings(), 0).await;
    let stack = client
        .relabel_stack(&"app".parse().unwrap(), |labels| labels)
        .await
        .unwrap();
    assert_eq!(stack.id.as_str(), "app");
}

#[tokio::test]
async fn a_stack_of_an_unknown_kind_is_not_changed() {
    let mut unknown = settings();
    unknown["vendorConfig"] = json!({"__typename": "StackConfigVendorNew"});
    let (_server, client) = serves(unknown, 0).await;
    let error = client
        .relabel_stack(&"app".parse().unwrap(), |_| Vec::new())
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Refused { .. }), "{error}");
}

#[tokio::test]
async fn an_unknown_stack_is_not_found() {
    let (_server, client) = serves(Value::Null, 0).await;
    let error = client
        .relabel_stack(&"app".parse().unwrap(), |_| Vec::new())
        .await
        .unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotFound { .. }), "{error}");
}
