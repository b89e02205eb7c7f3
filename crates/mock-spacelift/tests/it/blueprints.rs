//! Stacks from blueprints.

use mock_spacelift::{MockSpacelift, Pace};
use serde_json::json;

use crate::client::Api;
use crate::serve;

const CREATE: &str = "mutation B($id: ID!, $input: BlueprintStackCreateInput!) {
    blueprintCreateStack(id: $id, input: $input) { stackID runID } }";

async fn acme() -> (MockSpacelift, mock_spacelift::Server, Api) {
    let mock = MockSpacelift::acme();
    mock.pace(Pace::Manual);
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    (mock, server, api)
}

#[tokio::test]
async fn a_published_blueprint_makes_a_stack_and_runs_it() {
    let (mock, _server, api) = acme().await;
    let inputs = json!([{ "id": "service_name", "value": "Checkout" }, { "id": "environment", "value": "production" }]);
    let data = api
        .data(
            CREATE,
            json!({ "id": "service", "input": { "templateInputs": inputs } }),
        )
        .await;
    let made = &data["blueprintCreateStack"];
    assert_eq!(made["stackID"], "checkout");
    assert_eq!(made["runID"], json!(mock.runs()[0].run));
    let stack = mock.stack("checkout").unwrap();
    assert_eq!(stack.labels, ["env:production", "dependsOn:platform-api"]);
    assert_eq!(stack.repository, "acme/applications");
    assert!(!stack.autodeploy);
    let read = "{ stack(id: \"checkout\") { blueprint { id space { id } } config { id value } } }";
    let data = api.data(read, json!({})).await;
    let expected = json!({ "blueprint": { "id": "service", "space": { "id": "applications" } },
        "config": [{ "id": "TF_VAR_replicas", "value": "2" }] });
    assert_eq!(data["stack"], expected);
}

#[tokio::test]
async fn wrong_inputs_and_drafts_are_refused() {
    let (mock, _server, api) = acme().await;
    let table = [
        ("bucket", json!([]), "blueprint `bucket` is not published"),
        ("none", json!([]), "blueprint `none` not found"),
        ("service", json!([]), "input `service_name`: a value is required"),
        (
            "service",
            json!([{ "id": "size", "value": "1" }]),
            "input `size`: the blueprint has no such input",
        ),
        (
            "service",
            json!([{ "id": "service_name", "value": "a" }, { "id": "replicas", "value": "many" }]),
            "input `replicas`: `many` is not a number",
        ),
        (
            "service",
            json!([{ "id": "service_name", "value": "a" }, { "id": "environment", "value": "moon" }]),
            "input `environment`: `moon` is not a select",
        ),
        (
            "service",
            json!([{ "id": "service_name", "value": "cluster" }]),
            "could not persist stack: stack with this slug already exists for this account",
        ),
    ];
    for (id, inputs, expected) in table {
        let error = api
            .error(CREATE, json!({ "id": id, "input": { "templateInputs": inputs } }))
            .await;
        assert_eq!(error, expected);
    }
    assert!(mock.runs().is_empty());
}
