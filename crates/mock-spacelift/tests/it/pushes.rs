//! One push, one commit, and the runs of the affected stacks.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mock_spacelift::{LogAction, MockSpacelift, NewStack, Push};
use serde_json::json;

use crate::client::Api;
use crate::{serve, still_account};

/// The stacks of the account's runs, in order of creation.
fn stacks_that_ran(mock: &MockSpacelift) -> String {
    let runs = mock.runs();
    runs.iter()
        .map(|run| run.stack.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Two stacks and a disabled one on `main`, one on another branch, and one of another repository.
fn company() -> MockSpacelift {
    let mock = still_account();
    for (name, root) in [("network", "network"), ("database", "data/database")] {
        mock.add_stack(NewStack::named(name).project_root(root));
    }
    mock.add_stack(NewStack::named("off").disabled());
    mock.add_stack(NewStack::named("staging").branch("staging"));
    mock.add_stack(NewStack::named("shop").repository("acme/shop"));
    mock
}

#[test]
fn a_push_starts_the_runs_of_all_stacks_that_follow_the_branch_and_are_touched() {
    let table = [
        ("everything", Push::to("acme/infra"), "database network"),
        ("a branch", Push::to("acme/infra").branch("staging"), "staging"),
        (
            "a branch that nobody follows",
            Push::to("acme/infra").branch("feature"),
            "",
        ),
        ("the only branch", Push::to("acme/shop"), "shop"),
        (
            "a file",
            Push::to("acme/infra").touching_paths(["network/main.tf", "README.md"]),
            "network",
        ),
        (
            "files of two stacks",
            Push::to("acme/infra").touching_paths(["data/database/a.tf", "network/b.tf"]),
            "database network",
        ),
        (
            "a file of nobody",
            Push::to("acme/infra").touching_paths(["docs/a.md"]),
            "",
        ),
        (
            "a stack without a project root",
            Push::to("acme/shop").touching_paths(["anything"]),
            "shop",
        ),
        (
            "a named stack",
            Push::to("acme/infra").touching_stacks(["database"]),
            "database",
        ),
    ];
    for (name, push, expected) in table {
        let mock = company();
        let runs = mock.push_to(push);
        assert_eq!(stacks_that_ran(&mock), expected, "{name}");
        let made: Vec<_> = mock.runs().into_iter().map(|run| run.run).collect();
        assert_eq!(runs, made, "{name}");
        let commits: std::collections::BTreeSet<_> = mock.runs().into_iter().map(|run| run.commit).collect();
        assert!(commits.len() <= 1, "{name}: one push has one commit: {commits:?}");
        assert!(mock.runs().iter().all(|run| run.triggered_by.is_none()), "{name}");
    }
}

#[test]
fn a_push_to_something_unknown_is_an_error() {
    let table = [
        (
            Push::to("acme/none"),
            "no stack follows repository `acme/none`; stacks follow: acme/infra, acme/shop",
        ),
        (
            Push::to("acme/shop").touching_stacks(["network"]),
            "stack `network` follows acme/infra@main",
        ),
        (
            Push::to("acme/infra").touching_stacks(["off"]),
            "stack `off` is disabled",
        ),
        (
            Push::to("acme/infra").touching_stacks(["none"]),
            "stack `none` not found",
        ),
    ];
    for (push, expected) in table {
        let mock = company();
        let panic = catch_unwind(AssertUnwindSafe(|| mock.push_to(push))).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), expected);
        assert!(mock.log().is_empty(), "nothing was pushed");
    }
    let mock = still_account();
    mock.add_stack(NewStack::named("a").branch("one"));
    mock.add_stack(NewStack::named("b").branch("two"));
    let panic = catch_unwind(AssertUnwindSafe(|| mock.push_to("acme/infra"))).unwrap_err();
    assert_eq!(
        panic.downcast_ref::<String>().unwrap(),
        "the stacks of repository `acme/infra` follow several branches, so say which: one, two"
    );
}

#[tokio::test]
async fn the_tracked_commit_moves_with_the_push_and_carries_its_timestamp() {
    let mock = company();
    let server = serve(&mock).await;
    let api = Api::logged_in(&server).await;
    let read = "query R($id: ID!) { stack(id: $id) {
        trackedCommit { hash timestamp message authorName } } }";
    let first = api.data(read, json!({ "id": "network" })).await["stack"]["trackedCommit"].clone();
    mock.push_to(
        Push::to("acme/infra")
            .commit("abc123")
            .message("Wider subnets\n\nAnd why.")
            .author("Bob")
            .at(1_800_000_000)
            .touching_paths(["network/main.tf"]),
    );
    let stack = api.data(read, json!({ "id": "network" })).await["stack"].clone();
    let pushed = json!({ "hash": "abc123", "timestamp": 1_800_000_000, "authorName": "Bob",
        "message": "Wider subnets\n\nAnd why." });
    assert_eq!(stack["trackedCommit"], pushed);
    // A stack that was not affected keeps its tracked commit, while the branch has moved on.
    let other = api.data(read, json!({ "id": "database" })).await["stack"].clone();
    assert_eq!(other["trackedCommit"], first);
    let sync = "mutation { stackSyncCommit(id: \"database\") { trackedCommit { hash } } }";
    let synced = api.data(sync, json!({})).await;
    assert_eq!(synced["stackSyncCommit"]["trackedCommit"]["hash"], "abc123");
    // A new stack tracks the head as well.
    mock.add_stack(NewStack::named("late"));
    let late = api.data(read, json!({ "id": "late" })).await["stack"].clone();
    assert_eq!(late["trackedCommit"], pushed);
}

#[test]
fn commits_are_ordered_by_their_timestamps() {
    let mock = company();
    let timestamps =
        |mock: &MockSpacelift| -> Vec<i64> { mock.runs().iter().map(|run| run.commit_timestamp).collect() };
    let before = mock.stack("network").unwrap().tracked_commit_timestamp;
    mock.push("network");
    mock.push_to(
        Push::to("acme/infra")
            .at(1_900_000_000)
            .touching_stacks(["network"]),
    );
    // A push without a time is not older than the head.
    mock.push_to(Push::to("acme/infra").touching_stacks(["network"]));
    // A commit keeps its time, even if it is pushed again later for another stack.
    mock.push_to(
        Push::to("acme/infra")
            .commit("01d0c0de")
            .at(1_700_000_000)
            .touching_stacks(["network"]),
    );
    mock.push_commit("database", "01d0c0de");
    let [first, given, after, old, again] = timestamps(&mock).try_into().unwrap();
    assert!(
        before < first,
        "the first commit of a branch is older than every push"
    );
    assert_eq!(
        [given, after, old, again],
        [1_900_000_000, 1_900_000_000, 1_700_000_000, 1_700_000_000]
    );
}

#[test]
fn the_log_has_the_push_and_then_its_runs() {
    let mock = company();
    mock.push_to(Push::to("acme/infra").commit("abc123").at(1_800_000_000));
    let log = mock.log();
    assert_eq!(
        log[0].action,
        LogAction::Push {
            repository: "acme/infra".to_owned(),
            branch: "main".to_owned(),
            commit: "abc123".to_owned(),
            timestamp: 1_800_000_000,
        }
    );
    let made: Vec<_> = log[1..]
        .iter()
        .map(|entry| match &entry.action {
            LogAction::Trigger {
                stack,
                commit,
                timestamp,
                ..
            } => (stack.as_str(), commit.as_str(), *timestamp),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        made,
        [
            ("database", "abc123", 1_800_000_000),
            ("network", "abc123", 1_800_000_000)
        ]
    );
    assert!(log.iter().all(|entry| entry.by.is_none()));
}

#[test]
fn native_dependents_of_one_push_run_once_each_after_what_they_depend_on() {
    let mock = still_account();
    mock.add_stack(NewStack::named("z-network"));
    mock.add_stack(NewStack::named("a-database").native_dependency("z-network"));
    mock.add_stack(
        NewStack::named("shop")
            .repository("acme/shop")
            .native_dependency("a-database"),
    );
    let runs = mock.push_to("acme/infra");
    // The push affects two of them; the third is queued for the dependency.
    assert_eq!(stacks_that_ran(&mock), "z-network a-database shop");
    let pushed: Vec<_> = runs.iter().map(|run| mock.run(run).unwrap().stack).collect();
    assert_eq!(
        pushed.iter().map(chain::StackId::as_str).collect::<Vec<_>>(),
        ["a-database", "z-network"]
    );
    let by: Vec<_> = mock.runs().into_iter().map(|run| run.triggered_by).collect();
    assert_eq!(by, [None, None, Some("a-database".to_owned())]);
    mock.settle();
    let [network, database, shop] = mock.runs().try_into().unwrap();
    let ready = chain::RunState::Ready;
    let finished = chain::RunState::Finished;
    assert!(network.reached(&finished) <= database.reached(&ready));
    assert!(database.reached(&finished).unwrap() <= shop.reached(&ready).unwrap());
}
