//! Trigger policies run stacks when a run ends.

use mock_spacelift::{MockSpacelift, NewPolicy, NewStack};
use serde_json::json;

use crate::client::Api;
use crate::{serve, still_account};

/// As in Spacelift's documentation: stacks subscribe with a label.
const SUBSCRIBERS: &str = r#"
package spacelift

trigger[stack.id] {
  stack := input.stacks[_]
  input.run.state == "FINISHED"
  input.run.type == "TRACKED"
  stack.labels[_] == concat("", ["after:", input.stack.id])
}
"#;

/// Retries what a push started, once.
const RETRY: &str = r#"
package spacelift

trigger[input.stack.id] {
  input.run.state == "FAILED"
  is_null(input.run.triggered_by)
}
"#;

/// Runs `d` when both `b` and `c` are done in the same workflow.
const JOIN: &str = r#"
package spacelift

trigger["d"] {
  one := input.workflow[_]
  other := input.workflow[_]
  one.stack_id == "b"
  other.stack_id == "c"
  one.state == "FINISHED"
  other.state == "FINISHED"
}
"#;

/// Each run's stack and what triggered it.
fn runs(mock: &MockSpacelift) -> Vec<String> {
    let runs = mock.runs();
    runs.iter()
        .map(|run| {
            format!(
                "{} by {}",
                run.stack,
                run.triggered_by.as_deref().unwrap_or("push")
            )
        })
        .collect()
}

fn policy(mock: &MockSpacelift, name: &str, body: &str) {
    mock.create_policy(NewPolicy::trigger(name, body)).unwrap();
}

#[test]
fn a_policy_runs_the_stacks_that_it_names_and_only_where_it_is_attached() {
    let mock = still_account();
    policy(&mock, "Run subscribers", SUBSCRIBERS);
    mock.add_stack(NewStack::named("vpc"));
    mock.add_stack(NewStack::named("db").label("after:vpc"));
    mock.add_stack(NewStack::named("web").label("after:db"));
    mock.add_stack(NewStack::named("old").label("after:vpc").disabled());
    mock.attach_policy("run-subscribers", "vpc");
    mock.fail_next("vpc");
    mock.push("vpc");
    mock.propose("vpc");
    mock.settle();
    assert_eq!(
        runs(&mock).len(),
        2,
        "neither a failed run nor a proposed one triggers"
    );
    mock.push("vpc");
    mock.settle();
    // The policy is not attached to db, so web does not run. It also requests the disabled stack, which does not run.
    assert_eq!(runs(&mock)[2..], ["vpc by push", "db by run-subscribers"]);
}

#[test]
fn a_policy_attaches_itself_by_its_labels() {
    let labels = [
        ("autoattach:*", 2),
        ("autoattach:retried", 2),
        ("autoattach:other", 1),
    ];
    for (label, expected) in labels {
        let mock = still_account();
        let policy = NewPolicy::trigger("retry", RETRY).label(label);
        mock.create_policy(policy).unwrap();
        mock.add_stack(NewStack::named("db").label("retried").fails_next(2));
        mock.push("db");
        mock.settle();
        // The retry fails as well, but a policy triggered it: it is not retried.
        assert_eq!(runs(&mock).len(), expected, "{label}");
    }
}

#[test]
fn a_policy_sees_the_runs_of_its_workflow() {
    let mock = still_account();
    for name in ["a", "b", "c", "d"] {
        mock.add_stack(NewStack::named(name));
    }
    policy(
        &mock,
        "fork",
        "package spacelift\ntrigger[\"b\"] { true }\ntrigger[\"c\"] { true }\n",
    );
    policy(&mock, "join", JOIN);
    mock.attach_policy("fork", "a");
    mock.attach_policy("join", "c");
    // A run of b in a workflow of its own, without a.
    mock.push("b");
    mock.settle();
    mock.push("c");
    mock.settle();
    assert_eq!(runs(&mock), ["b by push", "c by push"]);
    mock.push("a");
    mock.settle();
    assert_eq!(
        runs(&mock)[2..],
        ["a by push", "b by fork", "c by fork", "d by join"]
    );
}

#[tokio::test]
async fn a_failing_policy_or_unknown_stack_blocks_nothing() {
    let mock = still_account();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    mock.add_stack(NewStack::named("db"));
    policy(&mock, "wrong", "package spacelift\ntrigger = 1\n");
    policy(&mock, "nobody", "package spacelift\ntrigger[\"none\"] { true }\n");
    let attach = "mutation A($id: ID!) { policyAttach(id: $id, stack: \"db\") { policyId isAutoattached } }";
    for id in ["wrong", "nobody"] {
        let data = api.data(attach, json!({ "id": id })).await;
        assert_eq!(
            data["policyAttach"],
            json!({ "policyId": id, "isAutoattached": false })
        );
    }
    assert_eq!(
        api.error(attach, json!({ "id": "none" })).await,
        "policy `none` not found"
    );
    let attached = "{ stack(id: \"db\") { attachedPolicies { policyName policyType } } }";
    let data = api.data(attached, json!({})).await;
    let expected = json!([{ "policyName": "nobody", "policyType": "TRIGGER" },
        { "policyName": "wrong", "policyType": "TRIGGER" }]);
    assert_eq!(data["stack"]["attachedPolicies"], expected);
    mock.push("db");
    mock.settle();
    assert_eq!(runs(&mock), ["db by push"]);
    assert_eq!(mock.runs()[0].state.as_str(), "FINISHED");
}
