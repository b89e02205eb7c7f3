//! What the command says and does while others act, or nobody answers.

use std::process::Stdio;

use chain::{ChainId, ChainResult, RunState};
use mock_spacelift::{Fault, KEY_ID};

use crate::world::{WAIT_MAX, World};

impl World {
    /// A chain of `network`, in which the run of `database` waits for a person.
    async fn waiting_chain(&self) -> ChainId {
        self.graph_confirming("network; database: network; apps: database", &["database"]);
        let root = self.push_to(1, &["network"]).remove(0);
        let noted = self.wait_for_stack(&root, "database", "the note", |stack| stack.note.is_some());
        noted.await.id
    }
}

#[tokio::test]
async fn chains_of_another_account_are_left_alone() {
    let world = World::start().await;
    for verb in ["pause", "resume", "approve", "cancel", "retry"] {
        let output = world.spillway(&["chain", verb, "chain:other:01J"]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{verb}: {said}");
        assert!(
            said.contains("is a chain of the account `other`"),
            "{verb}: {said}"
        );
    }
}

#[tokio::test]
async fn runs_can_be_ended_after_their_chain_was_cancelled() {
    let world = World::start().await;
    let chain = world.waiting_chain().await;
    world.says(&["chain", "cancel", chain.as_str()]).await;
    let order = world
        .document("chain_order", &["chain", "cancel", chain.as_str(), "--stop-runs"])
        .await;
    assert_eq!(order["runs"][0]["done"], "discarded", "{order}");
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Cancelled);
}

#[tokio::test]
async fn a_chain_is_watched_although_its_worker_is_replaced() {
    let mut world = World::start().await;
    let chain = world.waiting_chain().await;
    let mut watch = world.command(&["chain", "watch", chain.as_str()]);
    let watch = watch
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    world.kill_worker().await;
    // The command asks every half second, and a query without a worker takes some seconds.
    let output = watch.wait_with_output();
    tokio::pin!(output);
    let ended = tokio::time::timeout(std::time::Duration::from_secs(40), &mut output).await;
    assert!(ended.is_err(), "it gave up: {ended:?}");
    world.start_worker();
    world.confirm("database").await;
    let output = tokio::time::timeout(WAIT_MAX, output).await.unwrap().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("no worker answered"), "{said}");
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Succeeded);
}

#[tokio::test]
async fn people_steer_while_spacelift_is_down() {
    let world = World::start().await;
    let chain = world.waiting_chain().await;
    world.spacelift.fault(Fault::internal_error().always());
    for arguments in [
        &["halt", "--reason", "incident 7"][..],
        &["go"],
        &["freeze", "now", "--for", "1h", "--reason", "incident 7"],
        &["freeze", "show"],
        &["thaw"],
        &["waiting"],
        &["stack", "why", "database"],
        &["chain", "pause", chain.as_str()],
        &["schedule", "show"],
    ] {
        let output = world.spillway(arguments).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(
            said.contains("Spacelift does not answer") && said.contains(world.account.as_str()),
            "{arguments:?}: {said}"
        );
    }
    let halt = world.audit_record("halt_began").await;
    let by = halt["actor"].as_str().unwrap();
    assert!(
        by.ends_with(&format!(
            "api::{KEY_ID} (not verified by Spacelift) (claims to be carol)"
        )),
        "{by}"
    );
    let mistyped = world
        .command(&["halt"])
        .env("SPILLWAY_ACCOUNT", "acmee")
        .output()
        .await;
    let mistyped = mistyped.unwrap();
    let said = String::from_utf8(mistyped.stderr).unwrap();
    assert_eq!(mistyped.status.code(), Some(3), "{said}");
    assert!(said.contains("Temporal does not know this account"), "{said}");
    // What triggers stacks needs an account that Spacelift confirmed.
    let started = world.spillway(&["chain", "start", "network"]).await;
    assert!(!started.status.success());
    world.spacelift.clear_faults();
    world
        .says(&["chain", "cancel", chain.as_str(), "--stop-runs"])
        .await;
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Cancelled);
}

#[tokio::test]
async fn nothing_seems_to_be_over_during_a_rebuild() {
    let world = World::start().await;
    let chain = world.waiting_chain().await;
    // The rebuild waits for Spacelift.
    world
        .spacelift
        .fault(Fault::internal_error().on("SearchRuns").always());
    world.says(&["schedule", "rebuild"]).await;
    world
        .wait_until_reason_contains("database", "is being rebuilt")
        .await;
    let shown = world.says(&["schedule", "show"]).await;
    assert!(
        shown.contains("is being rebuilt") && !shown.contains("No chain is open"),
        "{shown}"
    );
    let waiting = world.spillway(&["waiting"]).await;
    let said = String::from_utf8(waiting.stderr).unwrap();
    assert!(said.contains("is being rebuilt"), "{said}");
    world.spacelift.clear_faults();
    world
        .wait_until_reason_contains("database", "waits for a person")
        .await;
    let why = world.says(&["stack", "why", "database"]).await;
    assert!(why.contains(chain.as_str()), "{why}");
}

#[tokio::test]
async fn a_run_continues_although_its_stack_is_marked_as_done() {
    let world = World::start().await;
    let chain = world.waiting_chain().await;
    let order = world
        .document("stack_order", &["stack", "done", "database"])
        .await;
    let run = world.spacelift.runs_of("database").remove(0);
    assert_eq!(order["run"], run.run.as_str(), "{order}");
    assert_eq!(run.state, RunState::Unconfirmed);
    world.confirm("database").await;
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Succeeded);
    world.assert_once(&["database", "apps"]);
}
