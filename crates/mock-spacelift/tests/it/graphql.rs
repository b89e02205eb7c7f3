//! The GraphQL engine: everything that Spacelift accepts from clients.

use mock_spacelift::{KEY_ID, NewStack, Vendor};
use serde_json::json;

use crate::client::Api;
use crate::{serve, still_account};

#[tokio::test]
async fn without_a_token_only_introspection_and_login_are_allowed() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db"));
    let server = serve(&mock).await;
    let api = Api::anonymous(&server);
    let data = api
        .data("{ __type(name: \"Stack\") { fields { name } } }", json!({}))
        .await;
    assert!(
        data["__type"]["fields"]
            .as_array()
            .unwrap()
            .iter()
            .any(|field| field["name"] == "isDependedOnBy")
    );
    let answer = api.answer("{ stacks { id } }", json!({})).await;
    assert_eq!(answer["data"], json!(null));
    assert_eq!(answer["errors"][0]["message"], "unauthorized");
    assert_eq!(answer["errors"][0]["path"], json!(["stacks"]));
    let answer = api.answer("{ stack(id: \"db\") { id } }", json!({})).await;
    assert_eq!(
        (&answer["data"], &answer["errors"][0]["message"]),
        (&json!(null), &json!("unauthorized"))
    );
    let quiet =
        "{ viewer { id } searchStacks(input: {}) { edges { node { id } } } debugInfo { selfHostedVersion } }";
    let data = api.data(quiet, json!({})).await;
    assert_eq!(
        data,
        json!({ "viewer": null, "searchStacks": null, "debugInfo": { "selfHostedVersion": "" } })
    );
    let wrong = "mutation { apiKeyUser(id: \"01JSMHTFM9TXWW1XK4AZN1SA8K\", secret: \"wrong\") { jwt } }";
    assert_eq!(api.data(wrong, json!({})).await, json!({ "apiKeyUser": null }));
}

#[tokio::test]
async fn a_token_is_a_jwt_for_the_base_url_until_it_expires() {
    let mock = still_account();
    let server = serve(&mock).await;
    let mut api = Api::logged_in(&server).await;
    let payload = api.token().split('.').nth(1).unwrap();
    let payload = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, payload).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(claims["aud"], json!([server.url()]));
    assert_eq!(
        claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
        3_600
    );
    let viewer = api
        .data("{ viewer { id name admin validUntil } }", json!({}))
        .await;
    assert_eq!(viewer["viewer"]["id"], format!("api::{KEY_ID}"));
    assert_eq!(viewer["viewer"]["validUntil"], claims["exp"]);

    mock.expire_tokens();
    assert_eq!(api.error("{ stacks { id } }", json!({})).await, "unauthorized");
    mock.token_lifetime(std::time::Duration::ZERO);
    api.log_in().await;
    assert_eq!(api.error("{ stacks { id } }", json!({})).await, "unauthorized");
}

#[tokio::test]
async fn a_missing_object_is_null_without_an_error() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db"));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let document = "query Q($id: ID!) { stack(id: $id) { id } space(id: $id) { id } context(id: $id) { id }
        blueprint(id: $id) { id } policy(id: $id) { id } namedWebhooksIntegration(id: $id) { id }
        db: stack(id: \"db\") { run(id: $id) { id } } }";
    let data = api.data(document, json!({ "id": "no-such-thing" })).await;
    let expected = json!({ "stack": null, "space": null, "context": null, "blueprint": null, "policy": null,
        "namedWebhooksIntegration": null, "db": { "run": null } });
    assert_eq!(data, expected);
    let delete = "mutation D($id: ID!) { contextDelete(id: $id) { id } spaceDelete(space: $id) { id }
        stackDelete(id: $id) { id } blueprintDelete(id: $id) { id } }";
    let data = api.data(delete, json!({ "id": "no-such-thing" })).await;
    let expected =
        json!({ "contextDelete": null, "spaceDelete": null, "stackDelete": null, "blueprintDelete": null });
    assert_eq!(data, expected);
    let run_stack = "{ runStack(runId: \"01JSPXRQR2F3Y06HD85YYXRSZ7\") { id } }";
    assert_eq!(api.error(run_stack, json!({})).await, "not found");
}

#[tokio::test]
async fn empty_argument_lists_aliases_fragments_and_unions_work() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db").vendor(Vendor::Pulumi));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let document = "query Mixed { all: spaces(){ ...Named } stack(id: \"db\") { vendorConfig { __typename
        ... on StackConfigVendorPulumi { stackName } ... on StackConfigVendorTerraform { version } } } }
        fragment Named on Space { id, parentSpace }";
    let data = api.data(document, json!({})).await;
    let expected = json!({ "all": [{ "id": "root", "parentSpace": null }],
        "stack": { "vendorConfig": { "__typename": "StackConfigVendorPulumi", "stackName": "db" } } });
    assert_eq!(data, expected);
    let [request] = &mock.requests()[1..] else {
        panic!("{:?}", mock.requests())
    };
    assert!(request.is("Mixed") && request.is("spaces") && request.is("stack"));
    assert!(!request.is("stacks"));
}

#[tokio::test]
async fn searches_filter_sort_and_page() {
    let mock = still_account();
    for name in ["alpha", "beta", "gamma", "delta"] {
        mock.add_stack(NewStack::named(name).label("kind:greek"));
    }
    mock.add_stack(NewStack::named("one").label("kind:number"));
    mock.lock("beta", "alice");
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let document = "query S($input: SearchInput!) { searchStacks(input: $input) {
        edges { cursor node { id } } pageInfo { endCursor hasNextPage hasPreviousPage } } }";
    let search = async |input: serde_json::Value| {
        let page = api.data(document, json!({ "input": input })).await["searchStacks"].clone();
        let edges = page["edges"].as_array().unwrap().clone();
        let ids: Vec<String> = edges
            .iter()
            .map(|edge| edge["node"]["id"].as_str().unwrap().to_owned())
            .collect();
        (ids.join(" "), page["pageInfo"].clone())
    };
    let label = json!([{ "field": "label", "constraint": { "stringMatches": ["kind:greek"] } }]);
    let order = json!({ "field": "name", "direction": "DESC" });
    let first = json!({ "first": 3, "predicates": label, "orderBy": order });
    let (ids, info) = search(first).await;
    assert_eq!(ids, "gamma delta beta");
    assert_eq!(info["hasNextPage"], true);
    let second = json!({ "first": 3, "after": info["endCursor"], "predicates": label, "orderBy": order });
    let (ids, info) = search(second).await;
    assert_eq!(ids, "alpha");
    assert_eq!(
        (&info["hasNextPage"], &info["hasPreviousPage"]),
        (&json!(false), &json!(true))
    );
    let locked = json!({ "predicates": [{ "field": "locked", "constraint": { "booleanEquals": [true] } }] });
    assert_eq!(search(locked).await.0, "beta");
    let others = json!({ "predicates": [{ "field": "label", "exclude": true,
        "constraint": { "stringMatches": ["kind:greek"] } }] });
    assert_eq!(search(others).await.0, "one");
    assert_eq!(search(json!({ "fullTextSearch": "AMM" })).await.0, "gamma");
}

#[tokio::test]
async fn runs_page_backwards_to_an_empty_list() {
    let mock = still_account();
    mock.add_stack(NewStack::named("db"));
    let ids: Vec<String> = (0..60).map(|_| mock.push("db").to_string()).collect();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let document = "query R($before: ID) { stack(id: \"db\") { runs(before: $before) { id } } }";
    let mut read = Vec::new();
    let mut before = json!(null);
    loop {
        let data = api.data(document, json!({ "before": before })).await;
        let page = data["stack"]["runs"].as_array().unwrap().clone();
        let Some(last) = page.last() else { break };
        before = last["id"].clone();
        read.extend(page.iter().map(|run| run["id"].as_str().unwrap().to_owned()));
    }
    read.reverse();
    assert_eq!(read, ids);
    let waiting = json!({ "input": { "first": 2, "predicates": [{ "field": "state", "constraint": { "enumEquals": ["QUEUED"] } }] } });
    let document = "query S($input: SearchInput!) { searchRuns(input: $input) { edges { node { run { id } stack { id } } } } }";
    let data = api.data(document, waiting).await;
    let newest = &data["searchRuns"]["edges"][0]["node"];
    assert_eq!(
        *newest,
        json!({ "run": { "id": ids[59] }, "stack": { "id": "db" } })
    );
}

#[tokio::test]
async fn an_invalid_graphql_request_is_refused() {
    let mock = still_account();
    let server = serve(&mock).await;
    let http = reqwest::Client::builder().no_proxy().build();
    let http = http.unwrap();
    let url = format!("{}/graphql", server.url());
    assert_eq!(
        http.post(&url).body("no json").send().await.unwrap().status(),
        400
    );
    assert_eq!(http.get(&url).send().await.unwrap().status(), 405);
    assert_eq!(http.post(server.url()).send().await.unwrap().status(), 404);
    let api = Api::logged_in(&server).await;
    let error = api.error("{ stacks { id", json!({})).await;
    assert!(!error.is_empty());
    let unknown = api.error("{ stacks { noSuchField } }", json!({})).await;
    assert!(unknown.contains("noSuchField"), "{unknown}");
}
