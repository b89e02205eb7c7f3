//! Which stacks a run changed.

use std::collections::BTreeSet;

use chain::{RunChanges, StackId};
use mock_spacelift::NewStack;
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::server::{account, client, operation, refusal, start};

#[tokio::test]
async fn the_stacks_that_a_run_changed_are_read_from_its_resources() {
    let (mock, _server, client) = account().await;
    let ids = ["admin", "db", "app"];
    for name in ids {
        mock.add_stack(NewStack::named(name));
    }
    let known: BTreeSet<StackId> = ids.into_iter().map(|id| id.parse().unwrap()).collect();
    mock.changes_next(
        "admin",
        &[
            ("module.all.spacelift_stack.this[0]", json!({"id": "db"})),
            ("spacelift_policy.plan", json!({"id": "plan"})),
        ],
    );
    let run = mock.trigger("admin", "alice");
    mock.settle();
    let admin = "admin".parse().unwrap();
    let changed = client.changed_stacks(&admin, &run, &known).await.unwrap();
    let expected = RunChanges::Stacks {
        stacks: BTreeSet::from(["db".parse().unwrap()]),
    };
    assert_eq!(changed, expected);

    // The run's counts say that it changed something, and nothing is listed.
    let run = mock.trigger("admin", "alice");
    mock.settle();
    let changed = client.changed_stacks(&admin, &run, &known).await.unwrap();
    assert!(matches!(changed, RunChanges::Unknown { .. }), "{changed:?}");
}

#[tokio::test]
async fn a_refusal_means_unknown_changes_and_an_outage_is_an_error() {
    let (server, _) = start().await;
    let known = BTreeSet::new();
    let (stack, run) = ("admin".parse().unwrap(), "01R".parse().unwrap());
    let client = client(&server.uri());
    {
        let message = "Cannot query field \"changesV3\" on type \"Run\"";
        let _refused = operation("RunChanges")
            .respond_with(refusal(message))
            .mount_as_scoped(&server)
            .await;
        let changed = client.changed_stacks(&stack, &run, &known).await.unwrap();
        let RunChanges::Unknown { why } = changed else {
            panic!("{changed:?}");
        };
        assert!(why.contains("changesV3"), "{why}");
    }
    let _down = operation("RunChanges")
        .respond_with(ResponseTemplate::new(503))
        .mount_as_scoped(&server)
        .await;
    assert!(client.changed_stacks(&stack, &run, &known).await.is_err());
}
