//! `spillway chain`, `request`, `stack` and `schedule`, against the tests' Temporal. No worker runs here: what needs one is
//! tested with the whole system.

use mock_spacelift::{MockSpacelift, NewStack};

use crate::world::World;

/// An account of its own, so that its chains are in Temporal for the first time.
async fn world() -> World {
    let account = MockSpacelift::new(&format!("acme-{}", uuid::Uuid::new_v4().simple()));
    account.add_stack(NewStack::named("core-network"));
    account.add_stack(NewStack::named("vpn").depends_on("core-network"));
    account.add_stack(NewStack::named("legacy").disabled());
    World::of(account)
        .await
        .with(
            "TEMPORAL_ADDRESS",
            &std::env::var("SPILLWAY_TEST_TEMPORAL").unwrap(),
        )
        .with("SPILLWAY_TASK_QUEUE", "nobody-listens")
        .with("USER", "ceo@acme")
}

#[tokio::test]
async fn an_account_that_the_key_does_not_belong_to_records_nothing() {
    let world = world().await.with("SPILLWAY_ACCOUNT", "acmee");
    for command in [
        &["chain", "start", "vpn"][..],
        &["stack", "done", "vpn"],
        &["halt"],
        &["schedule", "show"],
        &["run", "list", "vpn"],
        &["run", "trigger", "vpn"],
        &["stack", "delete", "vpn", "--yes"],
    ] {
        let said = world.run(command).await.failed(3);
        assert!(
            said.starts_with(
                "error: SPILLWAY_ACCOUNT is `acmee`, but the API key belongs to the account `acme-"
            ),
            "{said}"
        );
        assert!(said.contains("Nothing was done."), "{said}");
    }
    assert!(world.account.runs().is_empty());
}

#[tokio::test]
async fn a_stack_that_cannot_run_is_rejected_before_anything_is_recorded() {
    let world = world().await;
    for wait in [&[][..], &["--wait"]] {
        let said = world
            .run(&[&["chain", "start", "core-netwrok"], wait].concat())
            .await
            .failed(4);
        assert_eq!(
            said,
            "error: stack `core-netwrok` not found\nIt does not exist, or the API key cannot see it.\n\
             hint: Did you mean `core-network`?\n"
        );
        let said = world
            .run(&[&["chain", "start", "legacy"], wait].concat())
            .await
            .failed(4);
        assert!(
            said.starts_with("error: the stack `legacy` is disabled\n"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_request_id_is_for_one_stack() {
    let world = world().await;
    let start = |stack| ["chain", "start", stack, "--request-id", "change-42", "-o", "json"];
    let first = world.run(&start("vpn")).await.json();
    assert_eq!(
        (&first["kind"], &first["duplicate"]),
        (&"request".into(), &false.into())
    );
    let again = world.run(&start("vpn")).await.json();
    assert_eq!(again["duplicate"], true);
    assert_eq!(again["chain"], first["chain"]);
    let said = world.run(&start("core-network")).await.failed(4);
    assert!(
        said.starts_with("error: the request id `change-42` was used before, for the stack `vpn`\n"),
        "{said}"
    );
    let shown = world
        .run(&["request", "show", "change-42", "-o", "json"])
        .await
        .json();
    assert_eq!(
        (&shown["stack"], &shown["state"]),
        (&"vpn".into(), &"pending".into())
    );
    let said = world.run(&["request", "show", "change-43"]).await.failed(4);
    assert!(
        said.starts_with("error: request `change-43` not found\n"),
        "{said}"
    );
}

#[tokio::test]
async fn a_namespace_that_is_missing_is_a_wrong_setting() {
    let world = world().await.with("TEMPORAL_NAMESPACE", "nowhere");
    for command in [
        &["chain", "list"][..],
        &["chain", "show", "x"],
        &["schedule", "show"],
    ] {
        let said = world.run(command).await.failed(3);
        assert!(said.contains("has no namespace `nowhere`"), "{said}");
    }
}

#[tokio::test]
async fn a_chain_that_is_not_there_is_said_to_be_missing() {
    let world = world().await;
    // The schedule is a workflow of the account, too.
    let halt = world.run(&["halt", "-o", "json"]).await.json();
    let account = halt["account"].as_str().unwrap().parse().unwrap();
    let schedule = temporal_client::id::schedule(&account);
    for verb in ["show", "watch", "pause", "resume", "cancel", "retry"] {
        for id in ["nope", "", &schedule] {
            let said = world.run(&["chain", verb, id]).await.failed(4);
            assert!(
                said.starts_with(&format!("error: chain `{id}` not found\n")),
                "{said}"
            );
        }
    }
    let said = world.run(&["chain", "list", "--limit", "0"]).await.failed(2);
    assert!(said.contains("--limit"), "{said}");
    let said = world.run(&["run", "list", "vpn", "--limit", "0"]).await.failed(2);
    assert!(said.contains("--limit"), "{said}");
}

#[tokio::test]
async fn an_order_to_a_stack_is_rejected_if_no_chain_is_open() {
    let world = world().await;
    for verb in ["done", "release"] {
        let said = world.run(&["stack", verb, "vpn"]).await.failed(4);
        assert!(
            said.starts_with("error: no open chain waits for `vpn`\nNothing was changed.\n"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn the_old_spellings_still_work() {
    let world = world().await;
    assert_eq!(world.run(&["why", "vpn"]).await.status, 0);
    assert_eq!(world.run(&["stacks", "list"]).await.status, 0);
    assert_eq!(world.run(&["runs", "list", "vpn"]).await.status, 0);
}
