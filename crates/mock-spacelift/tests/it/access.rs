//! A key whose access to a space is revoked and restored.

use mock_spacelift::{MockSpacelift, NewSpace, NewStack, Server};
use serde_json::json;

use crate::client::Api;
use crate::{serve, still_account};

/// `db` is in a space below `prod`, `lab` in another one.
async fn spaces() -> (MockSpacelift, Server, Api) {
    let mock = still_account();
    mock.create_space_with_id("prod", NewSpace::named("prod"))
        .unwrap();
    mock.create_space_with_id("lab", NewSpace::named("lab")).unwrap();
    let below = NewSpace {
        parent: "prod".to_owned(),
        ..NewSpace::named("data")
    };
    mock.create_space_with_id("data", below).unwrap();
    mock.add_stack(NewStack::named("db").space("data"));
    mock.add_stack(NewStack::named("toy").space("lab"));
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    (mock, server, api)
}

#[tokio::test]
async fn a_revoked_space_is_invisible_until_it_is_granted_again() {
    let (mock, _server, api) = spaces().await;
    for stack in ["db", "toy"] {
        mock.push(stack);
    }
    let read = "{ stack(id: \"db\") { id } space(id: \"prod\") { id } stacks { id } spaces { id }
        searchStacks(input: {}) { edges { node { id } } } searchRuns(input: {}) { edges { node { stack { id } } } } }";
    let before = api.data(read, json!({})).await;
    mock.revoke_space("prod");
    let toy = json!({ "id": "toy" });
    let expected = json!({
        "stack": null, "space": null, "stacks": [toy], "spaces": [{ "id": "lab" }, { "id": "root" }],
        "searchStacks": { "edges": [{ "node": toy }] },
        "searchRuns": { "edges": [{ "node": { "stack": toy } }] },
    });
    assert_eq!(api.data(read, json!({})).await, expected);
    let run = mock.runs_of("db")[0].run.clone();
    let run_stack = "query R($r: ID!) { runStack(runId: $r) { id } }";
    assert_eq!(api.error(run_stack, json!({ "r": run })).await, "not found");
    mock.grant_space("prod");
    assert_eq!(api.data(read, json!({})).await, before);
    assert_ne!(before, expected);
}

#[tokio::test]
async fn every_mutation_of_a_stack_in_an_invisible_space_is_refused() {
    let (mock, _server, api) = spaces().await;
    let run = mock.push("db");
    mock.revoke_space("data");
    let orders = [
        "runTrigger(stack: \"db\") { id }",
        "taskCreate(stack: \"db\", command: \"ls\") { id }",
        "runConfirm(stack: \"db\") { id }",
        "runDiscardAll(stack: \"db\") { failedDiscarding }",
        "runRetry(stack: \"db\", run: \"RUN\") { id }",
        "runCancel(stack: \"db\", run: \"RUN\") { id }",
        "runComment(stack: \"db\", run: \"RUN\", body: \"b\") { body }",
        "stackLock(id: \"db\") { id }",
        "stackUnlock(id: \"db\") { id }",
        "stackDelete(id: \"db\") { id }",
        "stackSetCurrentCommit(id: \"db\", sha: \"abc123\") { id }",
        "stackConfigDelete(stack: \"db\", id: \"x\") { id }",
    ];
    for order in orders {
        let order = format!("mutation {{ {} }}", order.replace("RUN", run.as_str()));
        assert_eq!(api.error(&order, json!({})).await, "unauthorized", "{order}");
    }
    assert_eq!(
        mock.trigger_run("db", chain::RunType::Tracked)
            .unwrap_err()
            .to_string(),
        "unauthorized"
    );
    // People and pushes are not affected.
    mock.push("db");
    mock.trigger("db", "alice");
    assert_eq!(mock.runs_of("db").len(), 3);
    mock.grant_space("data");
    api.data("mutation { runTrigger(stack: \"db\") { id } }", json!({}))
        .await;
    assert_eq!(mock.runs_of("db").len(), 4);
}
