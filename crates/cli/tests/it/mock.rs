//! `spillway mock`.

use chain::RunState;
use mock_spacelift::{MockSpacelift, NewStack, Pace};
use serde_json::json;

use crate::world::World;

/// Two stacks of one repository, and one that waits for confirmations. Runs move when the test says so.
async fn still_world() -> World {
    let account = MockSpacelift::new("acme");
    account.pace(Pace::Manual);
    account.add_stack(NewStack::named("network").project_root("network"));
    account.add_stack(NewStack::named("database").project_root("database"));
    let backoffice = NewStack::named("backoffice").repository("acme/apps");
    account.add_stack(backoffice.autodeploy(false));
    World::of(account).await
}

/// What `spillway mock <arguments>` says.
async fn said(world: &World, arguments: &[&str]) -> String {
    world.run(&[&["mock"], arguments].concat()).await.ok()
}

#[tokio::test]
async fn a_push_starts_the_stacks_of_a_repository_or_some_of_them() {
    let world = still_world().await;
    let text = said(&world, &["push", "acme/infra", "--commit", "abc123"]).await;
    assert_eq!(
        text,
        "Pushed abc123 to acme/infra@main: it started the runs of 2 stacks: database, network.\n"
    );
    let text = said(&world, &["push", "acme/infra", "--path", "network/main.tf"]).await;
    assert!(text.ends_with("it started the run of network.\n"), "{text}");
    let pushed = world
        .run(&["mock", "push", "--stack", "backoffice", "--json"])
        .await
        .json();
    assert_eq!(pushed["runs"][0]["stack"], "backoffice");
    let run = &world.account.runs_of("backoffice")[0];
    assert_eq!(pushed["commit"], json!(run.commit));
    assert_eq!(pushed["runs"][0]["run"], json!(run.run));
    assert_eq!(world.account.runs().len(), 4);
}

#[tokio::test]
async fn people_fail_retry_lock_confirm_and_discard() {
    let world = still_world().await;
    let states = || -> Vec<RunState> {
        let runs = world.account.runs_of("backoffice");
        runs.into_iter().map(|run| run.state).collect()
    };
    said(&world, &["fail", "backoffice"]).await;
    said(&world, &["push", "--stack", "backoffice"]).await;
    world.account.settle();
    said(&world, &["retry", "backoffice", "--by", "bob"]).await;
    world.account.settle();
    said(&world, &["confirm", "backoffice"]).await;
    world.account.settle();
    said(&world, &["trigger", "backoffice"]).await;
    world.account.settle();
    said(&world, &["discard", "backoffice"]).await;
    assert_eq!(
        states(),
        [RunState::Failed, RunState::Finished, RunState::Discarded]
    );
    assert_eq!(world.account.runs()[1].triggered_by.as_deref(), Some("bob"));

    let text = said(&world, &["lock", "backoffice", "--by", "carol"]).await;
    assert!(text.starts_with("carol locked `backoffice`"), "{text}");
    let refused = world
        .run(&["mock", "unlock", "backoffice", "--by", "bob"])
        .await
        .failed(4);
    assert_eq!(
        refused,
        "error: stack `backoffice` is locked by carol, and nobody else can unlock it\n"
    );
    said(&world, &["unlock", "backoffice"]).await;
    assert_eq!(world.account.stack("backoffice").unwrap().locked_by, None);
}

#[tokio::test]
async fn faults_strike_other_commands_until_they_are_cleared() {
    let world = still_world().await;
    let text = said(
        &world,
        &["fault", "forbidden", "--operation", "stacks", "--always"],
    )
    .await;
    assert_eq!(
        text,
        "Each `stacks` gets `forbidden`, until the faults are cleared.\n"
    );
    let query = ["query", "{ stacks { id } }"];
    world.run(&query).await.failed(4);
    said(&world, &["fault", "--clear"]).await;
    world.run(&query).await.ok();
    let usage = world.run(&["mock", "fault", "fire"]).await.failed(2);
    assert!(usage.contains("too-many-requests"), "{usage}");
    world
        .run(&["mock", "fault", "html", "--always", "--times", "2"])
        .await
        .failed(2);
}

#[tokio::test]
async fn the_log_says_what_was_done_by_whom() {
    let world = still_world().await;
    let ran = world.run(&["mock", "log"]).await;
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("", "Nothing has happened yet.\n")
    );
    said(
        &world,
        &["push", "--stack", "network", "--commit", "abc123def456"],
    )
    .await;
    said(&world, &["lock", "network", "--by", "carol"]).await;
    let text = said(&world, &["log"]).await;
    let run = &world.account.runs()[0].run;
    let lines: Vec<&str> = text.lines().map(|line| line.get(26..).unwrap()).collect();
    assert_eq!(lines[1], "push   pushed abc123d to acme/infra@main");
    assert_eq!(
        lines[2],
        format!("push   started run {run} of network (TRACKED) @ abc123d")
    );
    assert_eq!(lines[3], "carol  locked network");
    let log = world.run(&["mock", "log", "--json"]).await.json();
    assert_eq!(log["items"][0]["action"], "push");
    assert_eq!(log["items"][0]["commit"], "abc123def456");
    assert_eq!(log["items"][2]["by"], "carol");
}

#[tokio::test]
async fn what_cannot_be_done_says_what_to_do() {
    let world = still_world().await;
    let table: [(&[&str], i32, &str); 7] = [
        (&["push", "acme/none"], 4, "stacks follow: acme/apps, acme/infra"),
        (&["push"], 2, "--stack"),
        (
            &["confirm", "network"],
            4,
            "no run of stack `network` waits for a confirmation",
        ),
        (&["lock", "none"], 4, "stack `none` not found"),
        (&["fail", "network", "--state", "QUEUED"], 4, "fails in PREPARING"),
        (
            &["log", "--url", "https://acme.app.spacelift.io"],
            3,
            "is not on this machine",
        ),
        (
            &["log", "--url", "http://127.0.0.1:1"],
            5,
            "Start one with `spillway dev`",
        ),
    ];
    for (arguments, status, reason) in table {
        let error = world.run(&[&["mock"], arguments].concat()).await.failed(status);
        assert!(error.contains(reason), "{arguments:?}: {error}");
    }
    // The Python client's variable has a path.
    let url = format!("{}/graphql", world.url());
    said(&world, &["lock", "network", "--url", &url]).await;
    assert!(world.account.stack("network").unwrap().locked_by.is_some());
}

#[tokio::test]
async fn stacks_workers_and_spaces_are_switched() {
    let world = World::acme().await;
    world.account.pace(Pace::Manual);
    let last = |stack: &str| world.account.runs_of(stack).pop().unwrap().state;
    said(&world, &["disable", "vpn"]).await;
    assert!(world.account.stack("vpn").unwrap().disabled);
    said(&world, &["enable", "vpn"]).await;
    said(&world, &["skip", "vpn"]).await;
    said(&world, &["workers", "absent"]).await;
    for stack in ["vpn", "dns"] {
        said(&world, &["push", "--stack", stack]).await;
    }
    world.account.settle();
    assert_eq!((last("vpn"), last("dns")), (RunState::Skipped, RunState::Ready));
    said(&world, &["workers", "present"]).await;
    said(&world, &["stop", "dns"]).await;
    assert_eq!(last("dns"), RunState::Stopped);
    world.account.refer_to_output("dns", "identity", false);
    for (outputs, end) in [("stay", RunState::Skipped), ("change", RunState::Finished)] {
        said(&world, &["outputs", "identity", outputs]).await;
        world.account.push("identity");
        world.account.settle();
        assert_eq!(last("dns"), end, "{outputs}");
    }
    said(&world, &["revoke-space", "network"]).await;
    world.run(&["stack", "show", "dns"]).await.failed(4);
    said(&world, &["grant-space", "network"]).await;
    world.run(&["stack", "show", "dns"]).await.ok();
}
