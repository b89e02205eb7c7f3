//! What Spacelift's Terraform provider asks about spaces, contexts, variables, named webhooks and the audit
//! trail. An import is a read by the id alone.

use serde_json::{Value, json};

use crate::client::Api;
use crate::{serve, still_account};

const SPACE: &str = "id description name inheritEntities parentSpace labels";
const HOOKS: &str = "afterApply afterDestroy afterInit afterPerform afterPlan afterRun beforeApply beforeDestroy \
    beforeInit beforePerform beforePlan";
const VARIABLE: &str = "id checksum type value writeOnly description";

#[tokio::test]
async fn a_space_is_made_imported_changed_and_removed() {
    let server = serve(&still_account()).await;
    let api = Api::logged_in(&server).await;
    let input = |description: &str| {
        json!({"description": description, "name": "Network", "inheritEntities": true, "parentSpace": "root",
            "labels": ["team:network"]})
    };
    let create =
        format!("mutation CreateSpace($input: SpaceInput!) {{ spaceCreate(input: $input) {{ {SPACE} }} }}");
    let created = api.data(&create, json!({"input": input("")})).await["spaceCreate"].clone();
    let id = created["id"].clone();
    let read = async || {
        let query = format!("query SpaceRead($id: ID!) {{ space(id: $id) {{ {SPACE} }} }}");
        api.data(&query, json!({"id": id})).await["space"].clone()
    };
    assert_eq!(read().await, created, "a second plan finds nothing to change");
    assert_eq!(
        (&created["parentSpace"], &created["labels"]),
        (&json!("root"), &json!(["team:network"]))
    );
    let update = format!(
        "mutation SpaceUpdate($space: ID!, $input: SpaceInput!) {{ spaceUpdate(space: $space, input: $input) {{ {SPACE} }} }}"
    );
    api.data(&update, json!({"space": id, "input": input("what it is for")}))
        .await;
    assert_eq!(read().await["description"], "what it is for");
    let delete = format!("mutation DeleteSpace($id: ID!) {{ spaceDelete(space: $id) {{ {SPACE} }} }}");
    api.data(&delete, json!({"id": id})).await;
    assert_eq!(read().await, Value::Null);
}

#[tokio::test]
async fn a_context_and_its_variable_are_made_imported_changed_and_removed() {
    let server = serve(&still_account()).await;
    let api = Api::logged_in(&server).await;
    let context = format!("id description labels name space hooks {{ {HOOKS} }}");
    let input = |labels: &[&str]| {
        let mut hooks = json!({});
        for hook in HOOKS.split_whitespace() {
            hooks[hook] = json!([]);
        }
        hooks["beforeInit"] = json!(["date"]);
        json!({"name": "region", "description": null, "hooks": hooks, "labels": labels, "space": "root"})
    };
    let create = format!(
        "mutation ContextCreate($input: ContextInput!) {{ contextCreateV2(input: $input) {{ {context} }} }}"
    );
    let created = api.data(&create, json!({"input": input(&[])})).await["contextCreateV2"].clone();
    let read = async || {
        let query = format!("query ContextRead($id: ID!) {{ context(id: $id) {{ {context} }} }}");
        api.data(&query, json!({"id": "region"})).await["context"].clone()
    };
    assert_eq!(read().await, created, "a second plan finds nothing to change");
    assert_eq!(created["hooks"]["beforeInit"], json!(["date"]));

    let add = format!(
        "mutation($context: ID!, $config: ConfigInput!) {{ contextConfigAdd(context: $context, config: $config) {{ {VARIABLE} }} }}"
    );
    let variable = async || {
        let query = format!(
            "query($context: ID!, $id: ID!) {{ context(id: $context) {{ configElement(id: $id) {{ {VARIABLE} }} }} }}"
        );
        let variables = json!({"context": "region", "id": "AWS_REGION"});
        api.data(&query, variables).await["context"]["configElement"].clone()
    };
    // Without a value, the provider compares the SHA-256 of its own.
    for (value, write_only, shown, checksum) in [
        (
            "eu-west-1",
            false,
            json!("eu-west-1"),
            "d763c2609ba549e25d23843dc2129aac99be05467253cc42aad8d2496b340add",
        ),
        (
            "eu-west-2",
            true,
            Value::Null,
            "ea20d1939b191b275be9d8ce41d68bb1f170fcadf355f39281d543025f147ea1",
        ),
    ] {
        let config = json!({"id": "AWS_REGION", "type": "ENVIRONMENT_VARIABLE", "value": value,
            "writeOnly": write_only, "description": null});
        let added = api
            .data(&add, json!({"context": "region", "config": config}))
            .await["contextConfigAdd"]
            .clone();
        assert_eq!((&added["value"], &variable().await), (&shown, &added));
        assert_eq!(added["checksum"], checksum);
    }
    let update = format!(
        "mutation ContextUpdate($id: ID!, $input: ContextInput!) {{ contextUpdateV2(id: $id, input: $input) {{ {context} }} }}"
    );
    api.data(&update, json!({"id": "region", "input": input(&["eu"])}))
        .await;
    assert_eq!(read().await["labels"], json!(["eu"]));
    assert_ne!(
        variable().await,
        Value::Null,
        "the variable is a resource of its own"
    );

    let remove =
        "mutation($context: ID!, $id: ID!) { contextConfigDelete(context: $context, id: $id) { id } }";
    api.data(remove, json!({"context": "region", "id": "AWS_REGION"}))
        .await;
    assert_eq!(variable().await, Value::Null);
    let delete = format!("mutation($id: ID!) {{ contextDelete(id: $id) {{ {context} }} }}");
    api.data(&delete, json!({"id": "region"})).await;
    assert_eq!(read().await, Value::Null);
}

#[tokio::test]
async fn a_named_webhook_is_made_imported_changed_and_removed() {
    let server = serve(&still_account()).await;
    let api = Api::logged_in(&server).await;
    let input = |enabled: bool, secret: Value| {
        json!({"enabled": enabled, "endpoint": "https://hooks.example.com/webhook", "space": "root",
            "name": "spillway", "secret": secret, "labels": [], "retryOnFailure": true})
    };
    let create = "mutation NamedWebhookCreate($input: NamedWebhooksIntegrationInput!) { \
        namedWebhooksIntegrationCreate(input: $input) { id enabled } }";
    let secret = json!("0123456789abcdef");
    let created = api
        .data(create, json!({"input": input(true, secret.clone())}))
        .await;
    let id = created["namedWebhooksIntegrationCreate"]["id"].clone();
    let read = async || {
        let query = format!(
            "query NamedWebhookRead($id: ID!) {{ namedWebhooksIntegration(id: $id) {{ id enabled endpoint \
             space {{ {SPACE} }} name secret secretHeaders labels retryOnFailure }} }}"
        );
        api.data(&query, json!({"id": id})).await["namedWebhooksIntegration"].clone()
    };
    let before = read().await;
    assert_eq!(
        (
            &before["space"]["id"],
            &before["secret"],
            &before["secretHeaders"]
        ),
        (&json!("root"), &secret, &json!([]))
    );
    // The provider sends no secret where only something else changes.
    let update = "mutation NamedWebhookUpdate($id: ID!, $input: NamedWebhooksIntegrationInput!) { \
        namedWebhooksIntegrationUpdate(id: $id, input: $input) { id } }";
    api.data(update, json!({"id": id, "input": input(false, Value::Null)}))
        .await;
    let mut expected = before;
    expected["enabled"] = json!(false);
    assert_eq!(read().await, expected);
    let delete =
        "mutation NamedWebhookDelete($webhook: ID!) { namedWebhooksIntegrationDelete(id: $webhook) { id } }";
    api.data(delete, json!({"webhook": id})).await;
    assert_eq!(read().await, Value::Null);
}

#[tokio::test]
async fn the_webhook_of_the_audit_trail_is_made_changed_and_removed() {
    let server = serve(&still_account()).await;
    let api = Api::logged_in(&server).await;
    let fields = "enabled endpoint includeRuns secret retryOnFailure";
    let read = async || {
        let query = format!("{{ auditTrailWebhook {{ {fields} }} }}");
        api.data(&query, json!({})).await["auditTrailWebhook"].clone()
    };
    let set = format!(
        "mutation($input: AuditTrailWebhookInput!) {{ auditTrailSetWebhook(input: $input) {{ {fields} }} }}"
    );
    let headers = json!({"entries": [{"key": "X-Team", "value": "platform"}]});
    // The provider sends null for no retries.
    for (headers, asked, retries) in [(Value::Null, Value::Null, false), (headers, json!(true), true)] {
        let input = json!({"enabled": false, "endpoint": "https://audit.example.com", "includeRuns": true,
            "secret": "0123456789abcdef", "customHeaders": headers, "retryOnFailure": asked});
        api.data(&set, json!({ "input": input })).await;
        assert_eq!(
            read().await,
            json!({"enabled": false, "endpoint": "https://audit.example.com", "includeRuns": true,
                "secret": "0123456789abcdef", "retryOnFailure": retries})
        );
    }
    let delete = format!("mutation {{ auditTrailDeleteWebhook {{ {fields} }} }}");
    api.data(&delete, json!({})).await;
    assert_eq!(read().await, Value::Null);
}
