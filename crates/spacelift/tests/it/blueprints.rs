//! Blueprints, with the mock account.

use serde_json::json;
use spacelift::{BlueprintState, ErrorKind, Spacelift};

use crate::server::account;

const TEMPLATE: &str = "
inputs:
  - id: name
    name: Name of the stack
  - id: environment
    name: Environment
    type: select
    default: dev
    options: [dev, prod]
stack:
  name: app-${{ inputs.name }}
  space: root
  vcs:
    branch: main
    repository: infra
    provider: GITHUB
  vendor:
    opentofu:
      version: 1.9.0
";

async fn create(client: &Spacelift, name: &str, state: &str) -> String {
    let document = "mutation Make($input: BlueprintCreateInput!) { blueprintCreate(input: $input) { id } }";
    let input = json!({"name": name, "space": "root", "state": state, "labels": ["self-service"], "template": TEMPLATE});
    let data = client.execute(document, &json!({"input": input})).await.unwrap();
    data["blueprintCreate"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_blueprint_is_found_and_creates_a_stack() {
    let (_mock, _server, client) = account().await;
    let id = create(&client, "App", "PUBLISHED").await;
    let blueprint = client.blueprint(&id).await.unwrap().unwrap();
    assert_eq!(
        (blueprint.name.as_str(), &blueprint.state),
        ("App", &BlueprintState::Published)
    );
    assert_eq!(blueprint.space.as_str(), "root");
    assert_eq!(
        blueprint
            .inputs
            .iter()
            .map(|input| input.id.as_str())
            .collect::<Vec<_>>(),
        ["name", "environment"]
    );
    assert_eq!(blueprint.inputs[1].options, ["dev", "prod"]);
    assert_eq!(client.blueprints().await.unwrap(), [blueprint]);
    assert_eq!(
        client.blueprints_with(&"name".parse().unwrap()).await.unwrap(),
        [json!({"name": "App"})]
    );
    let chosen = client
        .blueprint_with(&id, &"space { id }".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(chosen, Some(json!({"space": {"id": "root"}})));
    assert_eq!(client.blueprint("nothing").await.unwrap(), None);

    let inputs = [
        ("name".to_owned(), "shop".to_owned().into()),
        ("environment".to_owned(), "prod".to_owned().into()),
    ];
    let made = client.create_stack_from_blueprint(&id, &inputs).await.unwrap();
    assert_eq!(client.stack(&made.stack).await.unwrap().unwrap().name, "app-shop");
}

#[tokio::test]
async fn a_draft_creates_no_stack() {
    let (_mock, _server, client) = account().await;
    let id = create(&client, "App", "DRAFT").await;
    let error = client.create_stack_from_blueprint(&id, &[]).await.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Refused { .. }), "{error}");
    assert_eq!(client.stacks().await.unwrap(), []);
}
