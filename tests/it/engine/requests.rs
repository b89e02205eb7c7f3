//! Requests and reports of others: what they claim is looked up and never trusted.

use std::time::Duration;

use chain::event::{EndEvent, EndedRun};
use chain::follow::IgnoredBecause;
use chain::schedule::Control;
use chain::{ChainId, ChainResult, RunRequest, RunState, StackState};
use mock_spacelift::WebhookFault;
use serde_json::json;
use temporal_client::contract::{FollowResult, Received, Source};

use crate::chain::{EACH_ONCE, diamond};
use crate::request::request;
use crate::world::World;

#[tokio::test]
async fn a_request_for_another_account_triggers_nothing() {
    let world = World::start().await;
    diamond(&world);
    let body = request("change-1").replacen('{', r#"{"account":"acmee","#, 1);
    let answer = world.post(&body).await;
    assert!(!answer.text().await.unwrap().contains("workflow_id"));
    // The worker refuses it too, if it bypasses the webhook.
    let account: chain::AccountName = format!("{}e", world.account).parse().unwrap();
    let request = Received::request(
        account.clone(),
        RunRequest {
            account: Some(account.clone()),
            stack: "network".parse().unwrap(),
            request_id: Some("mistyped".parse().unwrap()),
            requested_by: None,
            follow: false,
        },
    );
    world.workflows.record(&request, Source::Operator).await.unwrap();
    let workflow = temporal_client::id::follow_request(&account, "mistyped");
    let outcome = world.workflows.end_of_follower(&workflow).await.unwrap().unwrap();
    let outcome = serde_json::to_string(&outcome.result).unwrap();
    assert!(outcome.contains("ignored"), "{outcome}");
    assert!(world.spacelift.runs().is_empty());
    assert_eq!(world.workflows("StackScheduleWorkflow").await, 0);
}

#[tokio::test]
async fn a_report_that_a_run_ended_is_checked_at_once() {
    let world = World::start().await;
    diamond(&world);
    world.spacelift.webhook_fault(
        WebhookFault::lost()
            .when(|about| about.state.is_terminal())
            .always(),
    );
    let root = world.push_to(1, &["network"]).remove(0);
    let said = async |event: &str, stack: &str| {
        let run = world.wait_for_run(stack, &RunState::Finished).await.run;
        let body = json!({"event": event, "stack_id": stack, "run_id": run}).to_string();
        assert!(world.post(&body).await.status().is_success());
    };
    // A wrong report, sent twice: how the run ended is looked up.
    said("failed", "network").await;
    said("completed", "network").await;
    for stack in ["database", "cluster", "platform"] {
        said("completed", stack).await;
    }
    world.all_succeed(&[root]).await;
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

#[tokio::test]
async fn a_false_report_that_a_run_ended_starts_nothing() {
    let world = World::start().await;
    world.graph_confirming("network; database: network", &["network"]);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("network", &RunState::Unconfirmed).await;
    let before = world.spacelift.requests().len();
    let body = json!({"event": "completed", "stack_id": "network", "run_id": root}).to_string();
    assert!(world.post(&body).await.status().is_success());
    world
        .spacelift
        .wait_until("a look at the run", |spacelift| {
            spacelift.requests().len() > before
        })
        .await;
    assert!(world.spacelift.runs_of("database").is_empty());
    let chain = ChainId::of_root_run(&world.account, &root);
    assert!(
        !world
            .workflows
            .control(&chain, Control::Pause, "alice")
            .await
            .unwrap()
    );
    world.confirm("network").await;
    world.all_succeed(&[root]).await;
    world.assert_once(&["network", "database"]);
}

/// Temporal may have deleted what it knew of an earlier report.
#[tokio::test]
async fn a_report_of_a_run_that_ended_days_ago_starts_nothing() {
    let world = World::without_webhooks().await;
    diamond(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("network", &RunState::Finished).await;
    world.spacelift.age(&root, Duration::from_secs(25 * 3600));
    let body = json!({"event": "completed", "stack_id": "network", "run_id": root}).to_string();
    assert!(world.post(&body).await.status().is_success());
    let follower = temporal_client::id::follow_run(&world.account, &root);
    let outcome = world.workflows.end_of_follower(&follower).await.unwrap().unwrap();
    let reason = IgnoredBecause::Late;
    assert_eq!(outcome.result, FollowResult::Ignored { reason });
    world.wait_for_quiet().await;
    assert_eq!(world.runs_per_stack(), [("network", 1)]);
}

/// Spacelift may show a run late, or Spillway may have been down for days.
#[tokio::test]
async fn a_run_that_the_sweep_finds_days_after_its_end_starts_its_chain() {
    let world = World::without_webhooks().await;
    diamond(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("network", &RunState::Finished).await;
    world.spacelift.age(&root, Duration::from_secs(25 * 3600));
    let ended = Received::RunEnded {
        account: world.account.clone(),
        ended: EndedRun {
            account: Some(world.account.clone()),
            stack: "network".parse().unwrap(),
            run: root.clone(),
            event: EndEvent::Completed,
        },
    };
    let recorded = world.workflows.record(&ended, Source::Reconcile).await;
    recorded.unwrap();
    for stack in ["database", "cluster"] {
        world.wait_for_run(stack, &RunState::Finished).await;
    }
}

#[tokio::test]
async fn dependents_of_a_missing_stack_are_skipped_with_the_reason() {
    let world = World::start().await;
    world.graph("network; apps: network ghost; tail: apps; dns: network");
    let root = world.push_to(1, &["network"]).remove(0);
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Succeeded);
    let record = report.record.unwrap();
    for (stack, names) in [("apps", "ghost"), ("tail", "apps")] {
        let progress = record.stack(&stack.parse().unwrap()).unwrap();
        assert_eq!(progress.state, StackState::Skipped, "{stack}");
        let reason = progress.reason.as_ref().unwrap();
        assert!(reason.text.contains(names), "{reason}");
    }
    assert_eq!(world.runs_per_stack(), [("dns", 1), ("network", 1)]);
}
