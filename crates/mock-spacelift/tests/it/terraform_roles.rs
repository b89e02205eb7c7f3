//! What Spacelift's Terraform provider asks about roles, who has them, and the groups of an identity provider.

use mock_spacelift::{KEY_ID, NewStack};
use serde_json::{Value, json};

use crate::client::Api;
use crate::{serve, still_account};

const ROLE: &str = "id slug isSystem name description actions roleBindingsCount";
const GROUP: &str = "id groupName accessRules { space spaceAccessLevel } description";

/// The provider refuses actions that the schema does not list.
#[tokio::test]
async fn a_role_is_made_changed_and_removed() {
    let server = serve(&still_account()).await;
    let api = Api::logged_in(&server).await;
    let introspect = "query($includeDeprecated: Boolean!) { __schema { types { name kind description \
        enumValues(includeDeprecated: $includeDeprecated) { name description } } } }";
    let schema = api.data(introspect, json!({"includeDeprecated": true})).await;
    let types = schema["__schema"]["types"].as_array().unwrap();
    let actions = types.iter().find(|one| one["name"] == "Action").unwrap();
    assert_eq!(actions["kind"], "ENUM");
    let known: Vec<&Value> = actions["enumValues"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| &value["name"])
        .collect();
    for action in [
        "SPACE_READ",
        "RUN_TRIGGER",
        "RUN_CANCEL",
        "RUN_DISCARD",
        "RUN_STOP",
    ] {
        assert!(
            known.contains(&&json!(action)),
            "infra/opentofu/spacelift uses it: {action}"
        );
    }

    let id = create_role(&api, "Trigger runs").await;
    let read = async || {
        let query = format!("query($id: ID!) {{ role(id: $id) {{ {ROLE} }} }}");
        api.data(&query, json!({"id": id})).await["role"].clone()
    };
    assert_eq!(
        read().await,
        json!({"id": id, "slug": "trigger-runs", "isSystem": false, "name": "Trigger runs", "description": "",
            "actions": ["SPACE_READ", "RUN_TRIGGER"], "roleBindingsCount": 0})
    );
    // It sends null for what has not changed, and this spelling of `actions`.
    let update = format!(
        "mutation($id: ID!, $input: RoleUpdateInput!) {{ roleUpdate(id: $id, input: $input) {{ {ROLE} }} }}"
    );
    for input in [
        json!({"name": null, "description": "what it is for", "Actions": null}),
        json!({"name": null, "description": null, "Actions": ["SPACE_READ"]}),
    ] {
        api.data(&update, json!({"id": id, "input": input})).await;
    }
    let changed = read().await;
    assert_eq!(
        (&changed["name"], &changed["description"], &changed["actions"]),
        (
            &json!("Trigger runs"),
            &json!("what it is for"),
            &json!(["SPACE_READ"])
        )
    );
    let all = api.data(&format!("{{ roles {{ {ROLE} }} }}"), json!({})).await;
    assert_eq!(all["roles"], json!([changed]));
    let delete = format!("mutation($id: ID!) {{ roleDelete(id: $id) {{ {ROLE} }} }}");
    api.data(&delete, json!({"id": id})).await;
    assert_eq!(read().await, Value::Null);
}

async fn create_role(api: &Api, name: &str) -> Value {
    let create = format!("mutation($input: RoleInput!) {{ roleCreate(input: $input) {{ {ROLE} }} }}");
    let input = json!({"name": name, "description": null, "actions": ["SPACE_READ", "RUN_TRIGGER"]});
    api.data(&create, json!({"input": input})).await["roleCreate"]["id"].clone()
}

#[tokio::test]
async fn a_group_of_the_identity_provider_is_made_changed_and_removed() {
    let server = serve(&still_account()).await;
    let api = Api::logged_in(&server).await;
    let create = format!(
        "mutation($input: ManagedUserGroupCreateInput!) {{ managedUserGroupCreate(input: $input) {{ {GROUP} }} }}"
    );
    let input = json!({"groupName": "platform", "description": "", "accessRules": []});
    let created = api.data(&create, json!({"input": input})).await["managedUserGroupCreate"].clone();
    let id = created["id"].clone();
    let read = async || {
        let query = format!("query($id: ID!) {{ managedUserGroup(id: $id) {{ {GROUP} }} }}");
        api.data(&query, json!({"id": id})).await["managedUserGroup"].clone()
    };
    assert_eq!(read().await, created, "a second plan finds nothing to change");
    let update = format!(
        "mutation($input: ManagedUserGroupUpdateInput!) {{ managedUserGroupUpdate(input: $input) {{ {GROUP} }} }}"
    );
    let rules = json!([{"space": "root", "spaceAccessLevel": "READ"}]);
    let input = json!({"id": id, "description": "who it is", "accessRules": rules});
    api.data(&update, json!({"input": input})).await;
    assert_eq!(
        read().await,
        json!({"id": id, "groupName": "platform", "accessRules": rules, "description": "who it is"})
    );
    let delete = format!("mutation($id: ID!) {{ managedUserGroupDelete(id: $id) {{ {GROUP} }} }}");
    api.data(&delete, json!({"id": id})).await;
    assert_eq!(read().await, Value::Null);
}

#[tokio::test]
async fn a_role_is_given_to_a_key_a_group_and_a_stack_and_taken_back() {
    let mock = still_account();
    mock.add_stack(NewStack::named("network"));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let role = create_role(&api, "Trigger runs").await;
    let create =
        "mutation($input: ManagedUserGroupCreateInput!) { managedUserGroupCreate(input: $input) { id } }";
    let input = json!({"groupName": "platform", "description": "", "accessRules": []});
    let group = api.data(create, json!({"input": input})).await["managedUserGroupCreate"]["id"].clone();
    let holders = [
        (
            "apiKeyRoleBinding",
            "ApiKeyRoleBindingInput",
            "apiKeyID",
            json!(KEY_ID),
            "role { id } spaceID apiKeyID",
            json!({"role": {"id": role}, "spaceID": "root", "apiKeyID": KEY_ID}),
        ),
        (
            "userGroupRoleBinding",
            "UserGroupRoleBindingInput",
            "userGroupID",
            group.clone(),
            "roleID spaceID userGroup { id groupName }",
            json!({"roleID": role, "spaceID": "root", "userGroup": {"id": group, "groupName": "platform"}}),
        ),
        (
            "stackRoleBinding",
            "StackRoleBindingInput",
            "stackID",
            json!("network"),
            "role { id } space { id } stackID",
            json!({"role": {"id": role}, "space": {"id": "root"}, "stackID": "network"}),
        ),
    ];
    for (field, input_type, holder, holder_id, fields, expected) in holders {
        let create =
            format!("mutation($input: {input_type}!) {{ {field}Create(input: $input) {{ id {fields} }} }}");
        let input = |holder_id: &Value| {
            let mut input = json!({"roleID": role, "spaceID": "root"});
            input[holder] = holder_id.clone();
            json!({ "input": input })
        };
        let created = api.data(&create, input(&holder_id)).await[format!("{field}Create")].clone();
        let id = created["id"].clone();
        let mut expected = expected;
        expected["id"] = id.clone();
        assert_eq!(created, expected);
        let read = async || {
            let query = format!("query($id: ID!) {{ {field}(id: $id) {{ id {fields} }} }}");
            api.data(&query, json!({"id": id})).await[field].clone()
        };
        assert_eq!(read().await, expected, "a second plan finds nothing to change");
        let refused = api.error(&create, input(&json!("missing"))).await;
        assert!(refused.ends_with("`missing` not found"), "{refused}");

        let delete = format!("mutation($id: ID!) {{ {field}Delete(id: $id) {{ id {fields} }} }}");
        api.data(&delete, json!({"id": id})).await;
        assert_eq!(read().await, Value::Null);
        // It takes this message for success.
        assert_eq!(api.error(&delete, json!({"id": id})).await, "not found");
    }
}

#[tokio::test]
async fn nobody_has_a_role_in_what_is_gone() {
    let mock = still_account();
    mock.add_stack(NewStack::named("network"));
    mock.add_stack(NewStack::named("app"));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let (kept, removed) = (
        create_role(&api, "Kept").await,
        create_role(&api, "Removed").await,
    );
    let create =
        "mutation { spaceCreate(input: {name: \"a\", description: \"\", inheritEntities: true}) { id } }";
    let space = api.data(create, json!({})).await["spaceCreate"]["id"].clone();
    let bind = "mutation($input: StackRoleBindingInput!) { stackRoleBindingCreate(input: $input) { id } }";
    let mut bindings = Vec::new();
    for (stack, role, space) in [
        ("app", &removed, &json!("root")),
        ("app", &kept, &space),
        ("network", &kept, &json!("root")),
        ("app", &kept, &json!("root")),
    ] {
        let input = json!({"stackID": stack, "roleID": role, "spaceID": space});
        let bound = api.data(bind, json!({ "input": input })).await;
        bindings.push(bound["stackRoleBindingCreate"]["id"].clone());
    }
    for (gone, id) in [
        ("roleDelete(id: $id)", &removed),
        ("spaceDelete(space: $id)", &space),
        ("stackDelete(id: $id)", &json!("network")),
    ] {
        let delete = format!("mutation($id: ID!) {{ {gone} {{ id }} }}");
        api.data(&delete, json!({ "id": id })).await;
    }
    let mut left = Vec::new();
    for id in &bindings {
        let read = "query($id: ID!) { stackRoleBinding(id: $id) { id } }";
        let found = api.data(read, json!({ "id": id })).await["stackRoleBinding"]["id"].clone();
        left.push(found);
    }
    assert_eq!(left, [Value::Null, Value::Null, Value::Null, bindings[3].clone()]);
    let count = "query($id: ID!) { role(id: $id) { roleBindingsCount } }";
    let role = api.data(count, json!({ "id": kept })).await["role"].clone();
    assert_eq!(role["roleBindingsCount"], 1);
}
