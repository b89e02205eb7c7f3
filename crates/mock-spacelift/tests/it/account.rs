//! Creates, changes and deletes the objects of an account.

use mock_spacelift::{NewStack, environments};
use serde_json::{Value, json};

use crate::client::Api;
use crate::{serve, still_account};

#[tokio::test]
async fn spaces_are_created_below_a_parent_and_deleted_when_empty() {
    let mock = still_account();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let create = "mutation C($name: String!, $parent: ID, $labels: [String!]) { spaceCreate(input: {name: $name,
        description: \"d\", parentSpace: $parent, inheritEntities: true, labels: $labels}) { id parentSpace labels } }";
    let created = api
        .data(create, json!({ "name": "Team A", "parent": "root" }))
        .await["spaceCreate"]
        .clone();
    let id = created["id"].as_str().unwrap();
    let ulid = id.strip_prefix("team-a-").unwrap();
    assert_eq!(ulid.len(), 26);
    assert_eq!(created["labels"], json!([]));
    let orphan = api
        .error(create, json!({ "name": "x", "parent": "nowhere" }))
        .await;
    assert_eq!(orphan, "parent space not found");

    api.data(create, json!({ "name": "Team A 2", "parent": id }))
        .await;
    let delete = "mutation D($id: ID!) { spaceDelete(space: $id) { id } }";
    let refused = api.error(delete, json!({ "id": id })).await;
    assert!(
        refused.contains("is not empty: it has space `team-a-2-"),
        "{refused}"
    );
    assert_eq!(
        api.error(delete, json!({ "id": "root" })).await,
        "the root space cannot be deleted"
    );
    for space in mock
        .spaces()
        .into_iter()
        .rev()
        .filter(|space| space.parent.is_some())
    {
        // Ids sort by name and then by time: the child comes after its parent.
        api.data(delete, json!({ "id": space.id })).await;
    }
    assert_eq!(mock.spaces().len(), 1);
}

#[tokio::test]
async fn contexts_hide_secrets_and_have_unique_names() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db").label("team:a"));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let create = "mutation C($input: ContextInput!) { contextCreateV2(input: $input) { id config { id value writeOnly type } } }";
    let input = json!({ "name": "My Context", "space": "root", "labels": ["autoattach:team:a"], "configAttachments": [
        { "id": "OPEN", "type": "ENVIRONMENT_VARIABLE", "value": "1", "writeOnly": false },
        { "id": "secret.txt", "type": "FILE_MOUNT", "value": "x", "writeOnly": true } ] });
    let created = api.data(create, json!({ "input": input })).await;
    let expected = json!({ "id": "my-context", "config": [
        { "id": "OPEN", "value": "1", "writeOnly": false, "type": "ENVIRONMENT_VARIABLE" },
        { "id": "secret.txt", "value": null, "writeOnly": true, "type": "FILE_MOUNT" } ] });
    assert_eq!(created["contextCreateV2"], expected);
    let again = api.error(create, json!({ "input": input })).await;
    assert_eq!(
        again,
        "could not persist context: context with this slug already exists for this account"
    );

    let attached = "{ stack(id: \"db\") { attachedContexts { contextId isAutoattached } } }";
    let data = api.data(attached, json!({})).await;
    assert_eq!(
        data["stack"]["attachedContexts"],
        json!([{ "contextId": "my-context", "isAutoattached": true }])
    );
    let attach =
        "mutation { contextAttach(id: \"my-context\", stack: \"db\", priority: 3) { id isAutoattached } }";
    let attachment = api.data(attach, json!({})).await["contextAttach"].clone();
    assert_eq!(attachment["isAutoattached"], false);
    let detach = "mutation D($id: ID!) { contextDetach(id: $id) { stackId } }";
    let detached = api.data(detach, json!({ "id": attachment["id"] })).await;
    assert_eq!(detached["contextDetach"]["stackId"], "db");
    assert_eq!(
        api.data(detach, json!({ "id": attachment["id"] })).await["contextDetach"],
        Value::Null
    );

    let update = "mutation U($input: ContextInput!) { contextUpdateV2(id: \"my-context\", input: $input,
        replaceConfigElements: true) { config { id } } }";
    let input = json!({ "name": "My Context", "configAttachments": [] });
    let updated = api.data(update, json!({ "input": input })).await;
    assert_eq!(updated["contextUpdateV2"]["config"], json!([]));
    api.data("mutation { contextDelete(id: \"my-context\") { id } }", json!({}))
        .await;
    assert!(mock.contexts().is_empty());
}

#[tokio::test]
async fn stacks_are_created_changed_locked_and_deleted() {
    let mock = still_account();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let create = "mutation S($input: StackInput!) { stackCreate(input: $input, manageState: true) { id namespace
        vendorConfig { ... on StackConfigVendorCloudFormation { region } } afterApply hooks { beforeInit } } }";
    // As the Terraform provider sends it: every key, some with null.
    let input = json!({ "name": "Prod Network", "administrative": false, "autodeploy": true, "autoretry": false,
        "branch": "main", "repository": "infra", "githubActionDeploy": true, "localPreviewEnabled": false,
        "protectFromDeletion": true, "afterApply": null, "beforeInit": ["make"], "labels": ["a"], "space": "root",
        "vendorConfig": { "cloudFormation": { "entryTemplateFile": "m.yml", "region": "eu-west-1",
            "stackName": "n", "templateBucket": "b" }, "terraform": null } });
    let created = api.data(create, json!({ "input": input })).await;
    let expected = json!({ "id": "prod-network", "namespace": "acme", "vendorConfig": { "region": "eu-west-1" },
        "afterApply": [], "hooks": { "beforeInit": ["make"] } });
    assert_eq!(created["stackCreate"], expected);

    let delete = "mutation { stackDelete(id: \"prod-network\") { id } }";
    assert_eq!(
        api.error(delete, json!({})).await,
        "stack `prod-network` is protected from deletion"
    );
    let update = "mutation U($input: StackInput!) { stackUpdate(id: \"prod-network\", input: $input) {
        labels protectFromDeletion autodeploy } }";
    let input =
        json!({ "name": "Prod Network", "branch": "main", "repository": "infra", "labels": ["b", "c"] });
    let updated = api.data(update, json!({ "input": input })).await;
    let expected = json!({ "labels": ["b", "c"], "protectFromDeletion": false, "autodeploy": false });
    assert_eq!(updated["stackUpdate"], expected);

    let lock = "mutation { stackLock(id: \"prod-network\", note: \"mine\") { lockedBy lockNote } }";
    let locked = api.data(lock, json!({})).await;
    assert_eq!(locked["stackLock"]["lockNote"], "mine");
    assert!(
        api.error(lock, json!({}))
            .await
            .starts_with("stack `prod-network` is already locked by api::")
    );
    api.data("mutation { stackUnlock(id: \"prod-network\") { id } }", json!({}))
        .await;
    api.data(delete, json!({})).await;
    assert_eq!(mock.stack("prod-network"), None);
}

#[tokio::test]
async fn a_stack_that_is_created_again_has_no_runs_of_the_deleted_one() {
    let mock = still_account();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let read = "{ stack(id: \"db\") { state runs { id } } }";
    mock.add_stack(NewStack::named("db"));
    mock.push("db");
    mock.settle();
    mock.delete_stack("db").unwrap();
    mock.add_stack(NewStack::named("db"));
    let created = api.data(read, json!({})).await;
    assert_eq!(created["stack"], json!({ "state": "NONE", "runs": [] }));
    assert_eq!(mock.runs_of("db").len(), 1, "the account still knows the run");
}

/// A client that changes one setting writes back what it read: anything that is not read is lost.
#[tokio::test]
async fn every_setting_of_a_tool_is_read_back() {
    let mock = still_account();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let tools = [
        (
            "kubernetes",
            "Kubernetes",
            json!({ "namespace": "n", "kubectlVersion": "1.31.0", "kubernetesWorkflowTool": "CUSTOM" }),
        ),
        (
            "opentofu",
            "OpenTofu",
            json!({ "version": "1.9.0", "workspace": "w", "useSmartSanitization": true,
            "externalStateAccessEnabled": true, "concise": true, "workflowTool": "CUSTOM" }),
        ),
        (
            "terraform",
            "Terraform",
            json!({ "version": "1.5.7", "workspace": "w", "useSmartSanitization": true,
            "externalStateAccessEnabled": true, "workflowTool": "CUSTOM" }),
        ),
        (
            "terragrunt",
            "Terragrunt",
            json!({ "terraformVersion": null, "terragruntVersion": null, "useRunAll": true,
            "useSmartSanitization": true, "useStateManagement": true, "prefixResourceNamesWithModuleName": true,
            "skipReplanWhenRunAll": true, "skipReplan": true, "tool": "OPEN_TOFU" }),
        ),
    ];
    for (key, kind, settings) in tools {
        let names: Vec<&str> = settings.as_object().unwrap().keys().map(String::as_str).collect();
        let names = names.join(" ");
        let create = format!(
            "mutation S($input: StackInput!) {{ stackCreate(input: $input, manageState: true) {{
            vcsIntegration {{ id name isDefault }} vendorConfig {{ ... on StackConfigVendor{kind} {{ {names} }} }} }} }}"
        );
        let input = json!({ "name": key, "branch": "main", "repository": "infra", "vendorConfig": { key: settings } });
        let created = api.data(&create, json!({ "input": input })).await;
        let expected = json!({ "vcsIntegration": null, "vendorConfig": settings });
        assert_eq!(created["stackCreate"], expected, "{key}");
    }
}

#[tokio::test]
async fn native_dependencies_cannot_form_a_cycle() {
    let mock = still_account();
    mock.add_stack(NewStack::named("vpc"));
    mock.add_stack(NewStack::named("db").native_dependency("vpc"));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let read = "{ stack(id: \"vpc\") { isDependedOnBy { stackId dependsOnStackId stack { name } } } }";
    let data = api.data(read, json!({})).await;
    let expected = json!([{ "stackId": "db", "dependsOnStackId": "vpc", "stack": { "name": "db" } }]);
    assert_eq!(data["stack"]["isDependedOnBy"], expected);
    let create =
        "mutation { stackDependencyCreate(input: {stackId: \"vpc\", dependsOnStackId: \"db\"}) { id } }";
    let refused = api.error(create, json!({})).await;
    assert_eq!(refused, "stack dependency would create a cycle: vpc -> db -> vpc");
}

#[tokio::test]
async fn webhooks_can_be_configured_by_the_api() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db"));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let create = "mutation W { webhooksIntegrationCreate(stack: \"db\", input: {enabled: true,
        endpoint: \"http://127.0.0.1:9\", secret: \"s\"}) { id enabled } }";
    let id = api.data(create, json!({})).await["webhooksIntegrationCreate"]["id"].clone();
    let delete = "mutation D($id: ID!) { webhooksIntegrationDelete(stack: \"db\", id: $id) { deleted } }";
    let deleted = api.data(delete, json!({ "id": id })).await;
    assert_eq!(deleted["webhooksIntegrationDelete"]["deleted"], true);
    assert_eq!(api.error(delete, json!({ "id": id })).await, "not found");

    let create =
        "mutation N($input: NamedWebhooksIntegrationInput!) { namedWebhooksIntegrationCreate(input: $input) {
        id space { id } retryOnFailure } }";
    let input = json!({ "enabled": true, "endpoint": "http://127.0.0.1:9", "space": "root", "name": "My Hook",
        "secret": "s", "retryOnFailure": true });
    let created = api.data(create, json!({ "input": input })).await;
    let expected = json!({ "id": "my-hook", "space": { "id": "root" }, "retryOnFailure": true });
    assert_eq!(created["namedWebhooksIntegrationCreate"], expected);
    let headers = "mutation { namedWebhooksIntegrationSetHeaders(id: \"my-hook\",
        input: {entries: [{key: \"X-Team\", value: \"a\"}]}) { secretHeaders } }";
    let data = api.data(headers, json!({})).await;
    assert_eq!(
        data["namedWebhooksIntegrationSetHeaders"]["secretHeaders"],
        json!(["X-Team"])
    );
}

#[test]
fn each_client_gets_its_own_variables() {
    let [own, spacectl, python] = environments("http://127.0.0.1:1");
    assert_eq!(
        own.variables[0],
        ("SPACELIFT_BASE_URL", "http://127.0.0.1:1".to_owned())
    );
    assert_eq!(
        spacectl.variables[0],
        ("SPACELIFT_API_KEY_ENDPOINT", "http://127.0.0.1:1".to_owned())
    );
    assert_eq!(
        python.variables[0],
        ("SPACELIFT_BASE_URL", "http://127.0.0.1:1/graphql".to_owned())
    );
}
