//! What the command says and does while others act, or nobody answers.

use std::process::Stdio;
use std::time::Duration;

use chain::{ChainId, ChainRecord, ChainResult, RunState, StackState};
use mock_spacelift::{Fault, KEY_ID};

use crate::world::{WAIT_MAX, World};

impl World {
    /// Waits until the record of an open chain is as wanted.
    async fn wait_for_record(&self, chain: &ChainId, what: &str, is_wanted: impl Fn(&ChainRecord) -> bool) {
        let wanted = tokio::time::timeout(WAIT_MAX, async {
            while !self
                .workflows
                .open_record(chain)
                .await
                .unwrap()
                .is_some_and(|record| is_wanted(&record))
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        wanted.await.unwrap_or_else(|_| panic!("{what} is not recorded"));
    }

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
    world
        .wait_for_record(&chain, "the order", |record| record.cancelled().is_some())
        .await;
    // To cancel it again would not help.
    let retried = world.spillway(&["chain", "retry", chain.as_str(), "--yes"]).await;
    let said = String::from_utf8(retried.stderr).unwrap();
    assert_eq!(retried.status.code(), Some(4), "{said}");
    assert!(said.contains("Retry it once they have ended"), "{said}");
    let order = world
        .document("chain_order", &["chain", "cancel", chain.as_str(), "--stop-runs"])
        .await;
    assert_eq!(order["runs"][0]["done"], "discarded", "{order}");
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Cancelled);
}

#[tokio::test]
async fn a_second_pause_keeps_the_first_and_says_so() {
    let world = World::start().await;
    let chain = world.waiting_chain().await;
    let order = async |order: &[&str]| world.says(&[&["chain"], order, &[chain.as_str()]].concat()).await;
    order(&["pause", "--reason", "incident 7"]).await;
    world
        .wait_for_record(&chain, "the pause", ChainRecord::is_paused)
        .await;
    let again = order(&["pause", "--reason", "another"]).await;
    assert!(again.contains("was paused already"), "{again}");
    assert!(again.contains("(claims to be carol): incident 7"), "{again}");
    let waiting = world.document("waiting_list", &["waiting"]).await;
    let mut items = waiting["items"].as_array().unwrap().iter();
    let pause = items.find(|waiting| waiting["for"] == "pause").unwrap();
    assert_eq!(pause["command"], format!("spillway chain resume {chain}"));
    let why = pause["reason"].as_str().unwrap();
    assert!(why.ends_with("(claims to be carol): incident 7"), "{why}");
    order(&["resume"]).await;
    world
        .wait_for_record(&chain, "the resumption", |record| !record.is_paused())
        .await;
    let again = order(&["resume"]).await;
    assert!(again.contains("is not paused"), "{again}");
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
    let ended = tokio::time::timeout(Duration::from_secs(40), &mut output).await;
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
async fn an_order_to_a_stack_for_which_no_chain_waits_is_rejected() {
    let world = World::start().await;
    let rejected = async |verb: &str, stack: &str| {
        let output = world.spillway(&["stack", verb, stack]).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{verb} {stack}: {said}");
        assert!(
            said.contains(&format!("no open chain waits for `{stack}`")),
            "{said}"
        );
    };
    let chain = world.waiting_chain().await;
    rejected("done", "network").await;
    rejected("release", "network").await;
    let said = world.says(&["stack", "release", "apps"]).await;
    assert!(
        said.contains("`apps` is not held now: waits for `database`"),
        "{said}"
    );
    world.confirm("database").await;
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Succeeded);
    rejected("done", "database").await;
    rejected("release", "database").await;
}

#[tokio::test]
async fn a_stack_that_failed_in_an_open_chain_can_be_marked_as_done() {
    let world = World::start().await;
    world.graph_confirming(
        "network; database: network; apps: database; dns: network",
        &["dns"],
    );
    world.spacelift.fail_next("database");
    let root = world.push_to(1, &["network"]).remove(0);
    let is_failed = |stack: &chain::StackProgress| stack.state == StackState::Failed;
    world
        .wait_for_stack(&root, "database", "its failure", is_failed)
        .await;
    world.says(&["stack", "done", "database"]).await;
    world.confirm("dns").await;
    world.all_succeed(&[root]).await;
    world.assert_once(&["apps"]);
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
        &["stack", "done", "apps"],
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
