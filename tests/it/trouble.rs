//! Crashes, lost messages and outages: nothing is lost, and nothing is triggered twice.

use std::time::Duration;

use chain::schedule::Control;
use chain::{ChainId, ChainResult, Reason, ReasonCode, RunId};
use mock_spacelift::{Fault, WebhookFault};

use crate::chain::{EACH_ONCE, diamond};
use crate::world::World;

#[tokio::test]
async fn a_killed_worker_loses_nothing_and_repeats_nothing() {
    let mut world = World::start().await;
    diamond(&world);
    let root = world.spacelift.push("network");
    world
        .spacelift
        .wait_until("database or cluster to be triggered", |spacelift| {
            !spacelift.runs_of("database").is_empty() || !spacelift.runs_of("cluster").is_empty()
        })
        .await;
    world.kill_worker().await;
    world.start_worker();
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

#[tokio::test]
async fn a_worker_killed_between_trigger_and_answer_finds_its_run() {
    let mut world = World::start().await;
    world.graph("network; database: network");
    // The run is triggered, and the answer never reaches the worker, which crashes.
    world
        .spacelift
        .fault(Fault::slow(Duration::from_secs(20)).on("runTrigger"));
    let root = world.spacelift.push("network");
    world
        .spacelift
        .wait_until("a run of database", |spacelift| {
            !spacelift.runs_of("database").is_empty()
        })
        .await;
    world.kill_worker().await;
    world.start_worker();
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), [("database", 1), ("network", 1)]);
}

#[tokio::test]
async fn a_chain_cancelled_before_its_worker_crashes_triggers_nothing_afterwards() {
    let mut world = World::start().await;
    world.graph("network; database: network");
    // The worker crashes while it looks at the stack, before the trigger.
    world
        .spacelift
        .fault(Fault::slow(Duration::from_secs(30)).on("StackWithRuns"));
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_attempt("database").await;
    let chain = ChainId::of_root_run(&world.account, &root);
    let cancelled = world.workflows.control(&chain, Control::Cancel, "bob").await;
    assert!(cancelled.unwrap());
    world.kill_worker().await;
    world.start_worker();
    assert_eq!(world.end_of(&chain).await.result, ChainResult::Cancelled);
    world.wait_for_quiet().await;
    assert!(world.spacelift.runs_of("database").is_empty());
}

#[tokio::test]
async fn sigterm_stops_the_worker_cleanly_and_its_successor_continues() {
    let mut world = World::start().await;
    diamond(&world);
    let root = world.spacelift.push("network");
    world
        .wait_for_chain(&root, "a start", |report| report.result == ChainResult::Running)
        .await;
    assert!(world.stop_worker().await.success());
    world.start_worker();
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

#[tokio::test]
async fn polling_finds_an_end_whose_webhook_was_lost() {
    let world =
        World::with_settings(|settings| settings.timing.poll_first = Duration::from_millis(500)).await;
    diamond(&world);
    world.spacelift.webhook_fault(
        WebhookFault::lost()
            .when(|about| about.state.is_terminal())
            .always(),
    );
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

#[tokio::test]
async fn the_sweep_finds_a_run_without_any_webhook() {
    let world = World::with_settings(|settings| {
        settings.sweep_every = Duration::from_secs(1);
        settings.timing.poll_first = Duration::from_millis(500);
    })
    .await;
    diamond(&world);
    world.spacelift.webhook_fault(WebhookFault::lost().always());
    let root = world.spacelift.push("network");
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    assert_eq!(world.runs_per_stack(), EACH_ONCE);
}

#[tokio::test]
async fn a_temporarily_refused_key_delays_polling_and_fails_nothing() {
    for operation in ["SearchStacks", "Run"] {
        let world = World::start().await;
        diamond(&world);
        world.spacelift.fault(Fault::forbidden().on(operation).times(6));
        let root = world.spacelift.push("network");
        assert_eq!(
            world.chain_of(&root).await.result,
            ChainResult::Succeeded,
            "{operation}"
        );
        assert_eq!(world.runs_per_stack(), EACH_ONCE, "{operation}");
    }
}

#[tokio::test]
async fn api_faults_cause_delays_but_no_repeated_runs() {
    for (name, fault) in [
        ("429", Fault::too_many_requests(Duration::from_secs(1))),
        ("500", Fault::internal_error()),
        ("500 after the effect", Fault::internal_error_after()),
        ("HTML", Fault::html()),
        ("truncated", Fault::truncated()),
        ("reset before the effect", Fault::reset_before()),
        ("reset after the effect", Fault::reset_after()),
        ("expired token", Fault::expired_tokens()),
    ] {
        let world = World::start().await;
        world.graph("network; database: network");
        world.spacelift.fault(fault.clone().on("runTrigger"));
        world.spacelift.fault(fault.on("searchStacks"));
        let root = world.spacelift.push("network");
        assert_eq!(
            world.chain_of(&root).await.result,
            ChainResult::Succeeded,
            "{name}"
        );
        assert_eq!(
            world.runs_per_stack(),
            [("database", 1), ("network", 1)],
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_trigger_that_spacelift_refuses_three_times_fails_its_stack_with_the_reason() {
    let world = World::start().await;
    world.graph("network; database: network");
    world.spacelift.fault(
        Fault::graphql_error("the stack has no worker pool")
            .on("runTrigger")
            .always(),
    );
    let root = world.spacelift.push("network");
    let reason = failure_of_database(&world, &root).await;
    assert_eq!(reason.code, ReasonCode::TriggerRefused);
    assert!(reason.text.contains("the stack has no worker pool"), "{reason}");
    assert_eq!(triggers(&world), 3);
}

#[tokio::test]
async fn a_failing_trigger_is_retried_for_the_configured_time() {
    let world = World::with_settings(|settings| {
        settings.timing.trigger_patience = Duration::from_secs(6);
        settings.timing.trigger_attempts = 1;
    })
    .await;
    world.graph("network; database: network");
    world
        .spacelift
        .fault(Fault::internal_error().on("runTrigger").always());
    let root = world.spacelift.push("network");
    let reason = failure_of_database(&world, &root).await;
    assert_eq!(reason.code, ReasonCode::TriggerFailed);
    assert!(reason.text.contains("500"), "{reason}");
    // The limit of attempts is for refusals, and this is none.
    assert!(triggers(&world) > 1, "{} triggers", triggers(&world));
}

/// Why `database` failed without a run.
async fn failure_of_database(world: &World, root: &RunId) -> Reason {
    let report = world.chain_of(root).await;
    assert_eq!(report.result, ChainResult::Failed);
    assert!(world.spacelift.runs_of("database").is_empty());
    let record = report.record.unwrap();
    let database = record.stack(&"database".parse().unwrap()).unwrap();
    database.reason.clone().unwrap()
}

fn triggers(world: &World) -> usize {
    let requests = world.spacelift.requests();
    requests.iter().filter(|request| request.is("runTrigger")).count()
}
