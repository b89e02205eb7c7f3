//! What Spacelift's Terraform provider asks: every field that it reads of a stack and of a policy, and what it sends to
//! make, attach and remove them.

use serde_json::{Value, json};

use crate::client::Api;
use crate::{serve, still_account};

/// All fields of a stack that the provider knows.
const STACK: &str = "fragment Read on Stack { id administrative afterApply afterDestroy afterInit afterPerform afterPlan
    afterRun autodeploy autoretry beforeApply beforeDestroy beforeInit beforePerform beforePlan branch deleting
    description isDisabled githubActionDeploy labels localPreviewEnabled enableWellKnownSecretMasking
    enableSensitiveOutputUpload managesStateFile name namespace projectRoot additionalProjectGlobs
    gitSparseCheckoutPaths protectFromDeletion provider repository repositoryURL runnerImage space terraformVersion
    integrations {
        aws { assumedRoleArn assumeRolePolicyStatement externalID generateCredentialsInWorker durationSeconds region }
        driftDetection { ignoreState reconcile schedule timezone }
        gcp { serviceAccountEmail tokenScopes }
        webhooks { id enabled endpoint secret retryOnFailure }
    }
    spaceDetails { id description name inheritEntities parentSpace labels }
    vcsIntegration { id isDefault }
    vendorConfig { __typename
        ... on StackConfigVendorAnsible { playbook }
        ... on StackConfigVendorCloudFormation { entryTemplateFile region stackName templateBucket }
        ... on StackConfigVendorKubernetes { namespace kubectlVersion kubernetesWorkflowTool }
        ... on StackConfigVendorOpenTofu { concise externalStateAccessEnabled useSmartSanitization version
            openTofuWorkflowTool: workflowTool workspace }
        ... on StackConfigVendorPulumi { loginURL stackName }
        ... on StackConfigVendorTerraform { useSmartSanitization version workflowTool workspace
            externalStateAccessEnabled }
        ... on StackConfigVendorTerragrunt { terraformVersion terragruntVersion useRunAll useSmartSanitization
            useStateManagement prefixResourceNamesWithModuleName skipReplanWhenRunAll skipReplan tool }
    }
    workerPool { id } }";

const POLICY: &str = "fragment Read on Policy { id labels name body type space description engineType }";

/// The provider sends every field, and null where nothing is set.
fn stack_input(name: &str, labels: &[&str]) -> Value {
    let mut input = json!({"name": name, "labels": labels, "repository": "infra", "branch": "main", "space": "root",
        "autodeploy": true, "githubActionDeploy": true, "enableSensitiveOutputUpload": true,
        "vendorConfig": {"opentofu": {"version": "1.11.0", "workflowTool": "OPEN_TOFU"}}});
    for (fields, value) in [
        (
            "administrative autoretry localPreviewEnabled enableWellKnownSecretMasking protectFromDeletion",
            json!(false),
        ),
        (
            "afterApply afterDestroy afterInit afterPerform afterPlan afterRun beforeApply beforeDestroy beforeInit \
             beforePerform beforePlan additionalProjectGlobs gitSparseCheckoutPaths",
            json!([]),
        ),
        (
            "description namespace projectRoot provider repositoryURL runnerImage vcsIntegrationId workerPool",
            Value::Null,
        ),
    ] {
        for field in fields.split_whitespace() {
            input[field] = value.clone();
        }
    }
    for vendor in [
        "ansible",
        "cloudFormation",
        "kubernetes",
        "pulumi",
        "terraform",
        "terragrunt",
    ] {
        input["vendorConfig"][vendor] = Value::Null;
    }
    input
}

async fn create_stack(api: &Api, name: &str, labels: &[&str]) -> Value {
    let create = "mutation StackCreate($input: StackInput!, $manageState: Boolean!, $stackObjectID: String, \
        $slug: String) { stackCreate(input: $input, manageState: $manageState, stackObjectID: $stackObjectID, \
        slug: $slug) { ...Read } }";
    let variables =
        json!({"input": stack_input(name, labels), "manageState": true, "stackObjectID": null, "slug": null});
    api.data(&format!("{create} {STACK}"), variables).await["stackCreate"].clone()
}

#[tokio::test]
async fn a_stack_is_made_read_changed_and_removed() {
    let server = serve(&still_account()).await;
    let api = Api::logged_in(&server).await;
    let created = create_stack(&api, "network", &[]).await;
    let read = async || {
        let query = format!("query StackRead($id: ID!) {{ stack(id: $id) {{ ...Read }} }} {STACK}");
        api.data(&query, json!({"id": "network"})).await["stack"].clone()
    };
    assert_eq!(read().await, created, "a second plan finds nothing to change");
    assert_eq!(
        created["integrations"],
        json!({
            "aws": {"assumedRoleArn": null, "assumeRolePolicyStatement": "", "externalID": null,
                "generateCredentialsInWorker": false, "durationSeconds": null, "region": null},
            "driftDetection": {"ignoreState": false, "reconcile": false, "schedule": [], "timezone": ""},
            "gcp": {"serviceAccountEmail": null, "tokenScopes": []},
            "webhooks": [],
        })
    );
    let update = "mutation StackUpdate($id: ID!, $input: StackInput!) { stackUpdate(id: $id, input: $input) { ...Read } }";
    let variables = json!({"id": "network", "input": stack_input("network", &["depends-on:vpc"])});
    let updated = api.data(&format!("{update} {STACK}"), variables).await;
    assert_eq!(updated["stackUpdate"]["labels"], json!(["depends-on:vpc"]));
    let delete = format!("mutation StackDelete($id: ID!) {{ stackDelete(id: $id) {{ ...Read }} }} {STACK}");
    api.data(&delete, json!({"id": "network"})).await;
    assert_eq!(read().await, Value::Null);
}

#[tokio::test]
async fn a_dependency_is_made_found_by_either_stack_and_removed() {
    let server = serve(&still_account()).await;
    let api = Api::logged_in(&server).await;
    create_stack(&api, "network", &[]).await;
    create_stack(&api, "app", &[]).await;
    let create = "mutation($input: StackDependencyInput!) { stackDependencyCreate(input: $input) { id stack { id } \
        dependsOnStack { id } } }";
    let created = api
        .data(
            create,
            json!({"input": {"stackId": "app", "dependsOnStackId": "network"}}),
        )
        .await["stackDependencyCreate"]
        .clone();
    let read = "query($stackId: ID!, $id: ID, $dependsOnStackId: ID) { stack(id: $stackId) { \
        dependency(id: $id, dependsOnStackId: $dependsOnStackId) { id stack { id } dependsOnStack { id } } } }";
    for variables in [
        json!({"stackId": "app", "id": created["id"], "dependsOnStackId": ""}),
        json!({"stackId": "app", "id": "", "dependsOnStackId": "network"}),
    ] {
        assert_eq!(api.data(read, variables).await["stack"]["dependency"], created);
    }
    let delete = "mutation($id: ID!) { stackDependencyDelete(id: $id) { id } }";
    api.data(delete, json!({"id": created["id"]})).await;
    let gone = json!({"stackId": "app", "id": created["id"], "dependsOnStackId": ""});
    assert_eq!(api.data(read, gone).await["stack"]["dependency"], Value::Null);
}

#[tokio::test]
async fn a_reference_to_an_output_is_made_imported_changed_and_removed() {
    let server = serve(&still_account()).await;
    let api = Api::logged_in(&server).await;
    create_stack(&api, "network", &[]).await;
    create_stack(&api, "app", &[]).await;
    let depend = "mutation($input: StackDependencyInput!) { stackDependencyCreate(input: $input) { id } }";
    let input = json!({"input": {"stackId": "app", "dependsOnStackId": "network"}});
    let dependency = api.data(depend, input).await["stackDependencyCreate"]["id"].clone();
    let fields = "id outputName inputName type triggerAlways";
    let add = format!(
        "mutation($stackDependencyID: ID!, $reference: StackDependencyReferenceInput!) {{ \
         stackDependenciesAddReference(stackDependencyID: $stackDependencyID, reference: $reference) {{ {fields} }} }}"
    );
    let mut reference = json!({"outputName": "vpc_id", "inputName": "TF_VAR_vpc_id", "type": "ENVIRONMENT_VARIABLE",
        "triggerAlways": false});
    let variables = json!({"stackDependencyID": dependency, "reference": reference});
    let added = api.data(&add, variables).await["stackDependenciesAddReference"].clone();
    reference["id"] = added["id"].clone();
    assert_eq!(added, reference);

    let read = async || {
        let query = format!(
            "query($dependency_id: ID!, $reference_id: ID!, $stack_id: ID!) {{ stack(id: $stack_id) {{ \
             dependency(id: $dependency_id) {{ reference(id: $reference_id) {{ {fields} }} }} }} }}"
        );
        let ids = json!({"stack_id": "app", "dependency_id": dependency, "reference_id": added["id"]});
        api.data(&query, ids).await["stack"]["dependency"]["reference"].clone()
    };
    assert_eq!(read().await, added, "a second plan finds nothing to change");
    // An import by the names of the stack and the input has no ids.
    let import = format!(
        "query($dependency_id: ID!, $depends_on_stack_id: ID!, $input_name: String, $reference_id: ID!, \
         $stack_id: ID!) {{ stack(id: $stack_id) {{ dependency(id: $dependency_id, \
         dependsOnStackId: $depends_on_stack_id) {{ id reference(id: $reference_id, inputName: $input_name) {{ {fields} }} \
         }} }} }}"
    );
    for names in [
        json!({"dependency_id": "", "depends_on_stack_id": "network", "input_name": "TF_VAR_vpc_id",
            "reference_id": ""}),
        json!({"dependency_id": dependency, "depends_on_stack_id": "", "input_name": "",
            "reference_id": added["id"]}),
    ] {
        let mut variables = names;
        variables["stack_id"] = json!("app");
        let found = api.data(&import, variables).await["stack"]["dependency"].clone();
        assert_eq!(found, json!({"id": dependency, "reference": added}));
    }

    reference["inputName"] = json!("TF_VAR_network");
    reference["type"] = json!("FILE_MOUNT");
    reference["triggerAlways"] = json!(true);
    let update = format!(
        "mutation($reference: StackDependencyReferenceUpdateInput!) {{ \
         stackDependenciesUpdateReference(reference: $reference) {{ {fields} }} }}"
    );
    api.data(&update, json!({ "reference": reference })).await;
    assert_eq!(read().await, reference);
    let delete = "mutation($id: ID!) { stackDependenciesDeleteReference(id: $id) { id } }";
    api.data(delete, json!({"id": added["id"]})).await;
    assert_eq!(read().await, Value::Null);
}

#[tokio::test]
async fn a_policy_is_made_attached_detached_and_removed() {
    let server = serve(&still_account()).await;
    let api = Api::logged_in(&server).await;
    create_stack(&api, "network", &[]).await;
    let create = format!(
        "mutation($input: PolicyCreateInput!) {{ policyCreatev2(input: $input) {{ ...Read }} }} {POLICY}"
    );
    let input = |name: &str, body: &str, engine: Value| {
        json!({"input": {"name": name, "body": body, "labels": [], "space": "root", "description": null,
            "engineType": engine, "type": "TRIGGER"}})
    };
    let old = "package spacelift\ntrigger[stack.id] { stack := input.stacks[_] }";
    let new = "package spacelift\ntrigger contains stack.id if { some stack in input.stacks }";
    for (name, body, asked, engine) in [
        ("old", old, json!(null), "REGO_V0"),
        ("new", new, json!("REGO_V1"), "REGO_V1"),
    ] {
        let created = api.data(&create, input(name, body, asked)).await;
        assert_eq!(created["policyCreatev2"]["engineType"], engine, "{name}");
    }
    let refused = api.error(&create, input("wrong", new, json!("REGO_V0"))).await;
    assert!(!refused.is_empty());

    let update = format!(
        "mutation($id: ID!, $input: PolicyUpdateInput!) {{ policyUpdatev2(id: $id, input: $input) {{ ...Read }} }} {POLICY}"
    );
    let variables = json!({"id": "new", "input": {"name": "new", "body": new, "labels": ["a"], "space": "root",
        "description": "what it is for", "engineType": "REGO_V1"}});
    let updated = api.data(&update, variables).await["policyUpdatev2"].clone();
    assert_eq!(
        (&updated["labels"], &updated["description"], &updated["type"]),
        (&json!(["a"]), &json!("what it is for"), &json!("TRIGGER"))
    );

    let attach =
        "mutation($id: ID!, $stack: ID!) { policyAttach(id: $id, stack: $stack) { id stackId isModule } }";
    let attached = api.data(attach, json!({"id": "new", "stack": "network"})).await["policyAttach"].clone();
    let id = attached["id"].as_str().unwrap();
    assert!(!id.contains('/'), "the provider splits ids there: {id}");
    let fetch = "query($policy: ID!, $id: ID!) { policy(id: $policy) { attachedStack(id: $id) { id stackId isModule } } }";
    let fetched = async || {
        let variables = json!({"policy": "new", "id": "network"});
        api.data(fetch, variables).await["policy"]["attachedStack"].clone()
    };
    assert_eq!(fetched().await, attached);
    let detach = "mutation($id: ID!) { policyDetach(id: $id) { id stackId isModule } }";
    api.data(detach, json!({"id": id})).await;
    assert_eq!(fetched().await, Value::Null);
    assert_eq!(api.error(detach, json!({"id": id})).await, "not found");

    let delete = format!("mutation($id: ID!) {{ policyDelete(id: $id) {{ ...Read }} }} {POLICY}");
    api.data(&delete, json!({"id": "new"})).await;
    let read = format!("query($id: ID!) {{ policy(id: $id) {{ ...Read }} }} {POLICY}");
    assert_eq!(api.data(&read, json!({"id": "new"})).await["policy"], Value::Null);
}

#[tokio::test]
async fn a_context_is_attached_to_a_stack_and_found_there() {
    let server = serve(&still_account()).await;
    let api = Api::logged_in(&server).await;
    create_stack(&api, "network", &[]).await;
    let create = "mutation($input: ContextInput!) { contextCreateV2(input: $input) { id } }";
    api.data(create, json!({"input": {"name": "region", "space": "root"}}))
        .await;
    let fetch = "query($context: ID!, $project: ID!) { context(id: $context) { attachedStack(id: $project) { id stackId isModule priority } } }";
    let fetched = async || {
        let variables = json!({"context": "region", "project": "network"});
        api.data(fetch, variables).await["context"]["attachedStack"].clone()
    };
    assert_eq!(fetched().await, Value::Null);
    let attach = "mutation($id: ID!, $stack: ID!, $priority: Int!) { contextAttach(id: $id, stack: $stack, \
        priority: $priority) { id stackId isModule priority } }";
    let attached = api
        .data(attach, json!({"id": "region", "stack": "network", "priority": 3}))
        .await["contextAttach"]
        .clone();
    assert_eq!(fetched().await, attached);
    assert_eq!(attached["priority"], 3);
}
