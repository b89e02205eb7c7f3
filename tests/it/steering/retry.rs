//! `spillway chain retry`.

use chain::retry::RetryScope;
use chain::{ChainId, ChainResult, RunId, RunState};
use mock_spacelift::{Fault, RunRecord};
use temporal_client::contract::RetryRequest;

use crate::world::{World, commit};

#[tokio::test]
async fn a_retry_runs_failed_and_then_skipped_stacks() {
    let world = World::start().await;
    world.graph("network; database: network; dns: network; apps: database dns; tail: apps");
    world.spacelift.fail_next("database");
    let root = world.push_to(1, &["network"]).remove(0);
    let first = world.chain_of(&root).await;
    assert_eq!(first.result, ChainResult::Failed);

    let not_asked = world.spillway(&["chain", "retry", first.id.as_str()]).await;
    let shown = String::from_utf8(not_asked.stderr).unwrap();
    assert_eq!(not_asked.status.code(), Some(2), "{shown}");
    assert!(shown.contains(&format!("Retry of {}", first.id)), "{shown}");
    assert!(shown.contains("database @ 0000000"), "{shown}");
    assert!(!shown.contains("dns @"), "{shown}");
    assert!(shown.contains("pass --yes"), "{shown}");

    let reason = ["--reason", "credentials renewed"];
    let retry = ["chain", "retry", first.id.as_str(), "--yes"];
    let said = world
        .document("chain_retry", &[&retry[..], &reason].concat())
        .await;
    let again = ChainId::of_workflow(said["chain"].as_str().unwrap());
    assert_eq!(again, ChainId::of_retry(&first.id, 1));
    let report = world.end_of(&again).await;
    assert_eq!(report.result, ChainResult::Succeeded, "{report:#?}");
    assert_eq!(report.root.retry_of, Some(first.id.clone()));
    assert!(report.by.is_some_and(|by| by.ends_with("(claims to be carol)")));
    let shown = world.says(&["chain", "show", again.as_str()]).await;
    let why = format!("Retry of {}: credentials renewed", first.id);
    assert!(shown.contains(&why), "{shown}");
    let audit = ["--audit", world.audit_path().to_str().unwrap()];
    let orders = ["audit", "report", "--orders", "--format", "json"];
    let orders = world.says(&[&orders[..], &audit].concat()).await;
    let orders: serde_json::Value = serde_json::from_str(&orders).unwrap();
    let order = &orders["orders"][0];
    assert_eq!(order["action"], "chain_started", "{orders}");
    assert_eq!(order["chain"], again.as_str());
    assert_eq!(order["reason"]["text"], "credentials renewed");
    let by = order["by"].as_str().unwrap();
    assert!(by.ends_with("(claims to be carol)"), "{by}");
    world.assert_once(&["network", "dns", "apps", "tail"]);
    assert_eq!(world.commits_of("database"), [Some(1), Some(1)]);

    // A successful chain needs no retry, unless a person names stacks.
    let nothing = world.spillway(&["chain", "retry", again.as_str(), "--yes"]).await;
    let why = String::from_utf8(nothing.stderr).unwrap();
    assert_eq!(nothing.status.code(), Some(4), "{why}");
    assert!(why.contains("--all or --from <STACK>"), "{why}");
    world
        .says(&[
            "chain",
            "retry",
            again.as_str(),
            "--from",
            "apps",
            "--yes",
            "--wait",
        ])
        .await;
    assert_eq!(
        world
            .runs_of(&["database", "apps", "tail"])
            .into_values()
            .collect::<Vec<_>>(),
        [2, 2, 2]
    );
    let third = ChainId::of_retry(&first.id, 2);
    let report = world.workflows.chain(&third).await.unwrap().unwrap();
    assert_eq!(report.root.retry_of, Some(again));
    world
        .says(&["chain", "retry", third.as_str(), "--all", "--yes", "--wait"])
        .await;
    let expected = [
        ("apps", 3),
        ("database", 2),
        ("dns", 1),
        ("network", 1),
        ("tail", 3),
    ];
    let runs = world.runs_of(&expected.map(|(stack, _)| stack));
    let runs: Vec<(&str, usize)> = runs.iter().map(|(stack, runs)| (stack.as_str(), *runs)).collect();
    assert_eq!(runs, expected, "all stacks of the retry, and no others");
}

#[tokio::test]
async fn the_question_names_the_commits_that_would_run() {
    let world = World::start().await;
    world.graph("network; database: network; dns: network");
    world.spacelift.fail_next("database");
    world.spacelift.fail_next("dns");
    let root = world.push_to(1, &["network"]).remove(0);
    let first = world.chain_of(&root).await;
    assert_eq!(first.result, ChainResult::Failed);
    let ask = async || {
        let not_asked = world.spillway(&["chain", "retry", first.id.as_str()]).await;
        String::from_utf8(not_asked.stderr).unwrap()
    };
    let shown = ask().await;
    assert!(shown.contains("database @ 0000000"), "{shown}");
    assert!(!shown.contains("another commit"), "{shown}");

    // The branch goes on, so the stacks track a newer commit than the root ran. A person rolls one of them back.
    let ends = async |run: &RunId| {
        let is_over = |found: RunRecord| found.state.is_terminal();
        let wait = world.spacelift.wait_until("the end of a run", |spacelift| {
            spacelift.run(run).is_some_and(is_over)
        });
        wait.await;
    };
    for run in world.push_to(2, &["dns", "database"]) {
        ends(&run).await;
    }
    ends(&world.spacelift.trigger_commit("dns", "bob", commit(1).as_str())).await;
    let shown = ask().await;
    assert!(
        shown.contains("As of now, these stacks would run another commit:"),
        "{shown}"
    );
    let line = shown.lines().find(|line| line.starts_with("  database @ "));
    assert!(
        line.is_some_and(|line| line.ends_with("(the commit that the stack tracks)")),
        "{shown}"
    );
    assert!(!shown.contains("  dns @ "), "{shown}");
    let retry = ["chain", "retry", first.id.as_str(), "--yes", "--wait"];
    world.says(&retry).await;
    assert_eq!(world.commits_of("database"), [Some(1), Some(2), Some(2)]);
}

#[tokio::test]
async fn an_open_chain_is_not_retried_and_continues_after_a_retry_in_spacelift() {
    let world = World::start().await;
    world.graph_confirming(
        "network; database: network; apps: database; slow: network",
        &["slow"],
    );
    world.spacelift.fail_next("database");
    let root = world.push_to(1, &["network"]).remove(0);
    let failed = world.wait_for_run("database", &RunState::Failed).await.run;
    let chain = ChainId::of_root_run(&world.account, &root);
    world.wait_for_run("slow", &RunState::Unconfirmed).await;
    let refused = world.spillway(&["chain", "retry", chain.as_str(), "--yes"]).await;
    let why = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(4), "{why}");
    assert!(why.contains("Retry the failed run in Spacelift"), "{why}");
    // As the message says.
    world.spacelift.retry(&failed, "alice");
    world.wait_for_run("apps", &RunState::Finished).await;
    world.confirm("slow").await;
    world.all_succeed(&[root]).await;
}

#[tokio::test]
async fn an_unplanned_retry_survives_the_loss_of_the_schedule() {
    let world = World::swept().await;
    world.graph("network; database: network; apps: database; other: network");
    world.spacelift.fail_next("database");
    let root = world.push_to(1, &["network"]).remove(0);
    let first = world.chain_of(&root).await;
    world
        .spacelift
        .fault(Fault::forbidden().on("searchStacks").always());
    let retry = RetryRequest {
        account: world.account.clone(),
        chain: world.workflows.retries(&first.id).await.unwrap().next,
        of: first.id,
        scope: RetryScope::Failed,
        by: None,
        reason: None,
    };
    let network = "network".parse().unwrap();
    world.workflows.request_retry(&retry, &network).await.unwrap();
    world
        .spacelift
        .wait_until("a listing that is refused", |spacelift| {
            let requests = spacelift.requests();
            let mut refused = requests.iter().filter(|request| request.status == Some(403));
            refused.any(|request| request.is("searchStacks"))
        })
        .await;
    world.terminate_schedule().await;
    world.spacelift.clear_faults();
    let report = world.end_of(&retry.chain).await;
    assert_eq!(report.result, ChainResult::Succeeded, "{report:#?}");
    world.assert_once(&["network", "apps", "other"]);
}
