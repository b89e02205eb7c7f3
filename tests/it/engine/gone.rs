//! Runs that Spacelift does not show any more: the key lost a space, or the stack was deleted.

use std::time::Duration;

use chain::{ChainResult, RunId, RunState};
use mock_spacelift::{DeliveredTransition, NewSpace, WebhookFault};
use temporal_client::contract::ScheduleMessage;
use temporalio_client::WorkflowExecutionStatus;

use crate::world::{WAIT_MAX, World};

const SPACE: &str = "databases";

/// `database` waits for a confirmation, in a space of its own.
fn add_stacks(world: &World) {
    let space = NewSpace::named(SPACE);
    world.spacelift.create_space_with_id(SPACE, space).unwrap();
    world.graph_with(
        "network; database: network; apps: database",
        |name, stack| match name {
            "database" => stack.autodeploy(false).space(SPACE),
            _ => stack,
        },
    );
}

/// A chain in which the run of `database` waits for a person, and the key then loses the space of that stack.
async fn world_with_a_hidden_run(patience: Duration) -> (World, RunId) {
    let world = World::with_settings(|settings| {
        settings.timing.poll_first = Duration::from_millis(300);
        settings.timing.poll_longest = Duration::from_millis(300);
        settings.timing.trigger_patience = patience;
    })
    .await;
    add_stacks(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    let looks = |world: &World| {
        let requests = world.spacelift.requests();
        requests.iter().filter(|request| request.is("stack")).count()
    };
    world.spacelift.revoke_space(SPACE);
    let before = looks(&world);
    world
        .spacelift
        .wait_until("two look-ups", |_| looks(&world) >= before + 2)
        .await;
    (world, root)
}

#[tokio::test]
async fn a_run_that_the_key_sees_again_continues_its_chain() {
    let (world, root) = world_with_a_hidden_run(Duration::from_secs(7200)).await;
    world.spacelift.grant_space(SPACE);
    world.confirm("database").await;
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    world.assert_once(&["network", "database", "apps"]);
}

#[tokio::test]
async fn a_run_that_stays_hidden_fails_its_stack() {
    let (world, root) = world_with_a_hidden_run(Duration::from_secs(3)).await;
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Failed);
    let record = report.record.unwrap();
    let database = record.stack(&"database".parse().unwrap()).unwrap();
    let reason = database.reason.as_ref().unwrap();
    assert!(reason.text.contains("CANCELED"), "{reason}");
    assert!(world.spacelift.runs_of("apps").is_empty());
}

/// Its follower has ended, and the record does not know how the run ended.
#[tokio::test]
async fn a_run_that_is_hidden_when_the_schedule_is_lost_fails_its_stack() {
    let world = World::with_settings(|settings| {
        settings.timing.poll_first = Duration::from_secs(1);
        settings.timing.poll_longest = Duration::from_secs(1);
        settings.timing.trigger_patience = Duration::from_secs(3);
    })
    .await;
    add_stacks(&world);
    let root = world.push_to(1, &["network"]).remove(0);
    world
        .wait_for_stack(&root, "database", "the note", |stack| stack.note.is_some())
        .await;
    let run = world.spacelift.runs_of("database").remove(0).run;
    world.spacelift.revoke_space(SPACE);
    world
        .terminate(&temporal_client::id::follow_run(&world.account, &run))
        .await;
    world.terminate_schedule().await;
    world.signal_schedule(&ScheduleMessage::Wake).await;
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Failed);
}

/// Its follower had given up. It starts again with the next webhook, or with a sweep if the run ended while it was hidden.
#[tokio::test]
async fn a_run_that_is_shown_again_after_its_follower_gave_up_starts_a_chain() {
    shown_again(false).await;
    shown_again(true).await;
}

async fn follower_becomes(world: &World, run: &RunId, expected: WorkflowExecutionStatus) {
    let waits = tokio::time::timeout(WAIT_MAX, async {
        loop {
            let status = world.workflows.follower_status(&world.account, run).await;
            if status.unwrap() == Some(expected) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waits.await.is_ok(), "the follower of {run} is not {expected:?}");
}

/// Its follower never saw it. If a later webhook started another one, the run would start a chain.
#[tokio::test]
async fn a_run_of_ours_that_is_hidden_before_the_first_look_is_not_followed_again() {
    let world = World::with_settings(|settings| {
        settings.timing.poll_first = Duration::from_secs(3);
        settings.timing.trigger_patience = Duration::from_secs(3);
    })
    .await;
    add_stacks(&world);
    let of_database = |transition: &DeliveredTransition| transition.stack.as_str() == "database";
    let lost = WebhookFault::lost().when(of_database).always();
    world.spacelift.webhook_fault(lost);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    world.spacelift.revoke_space(SPACE);
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Failed);
    let run = world.spacelift.runs_of("database").remove(0).run;
    follower_becomes(&world, &run, WorkflowExecutionStatus::Completed).await;
    world.spacelift.grant_space(SPACE);
    world.spacelift.clear_faults();
    world.confirm("database").await;
    world.wait_for_run("database", &RunState::Finished).await;
    world.wait_for_quiet().await;
    assert!(world.spacelift.runs_of("apps").is_empty());
}

async fn shown_again(ends_hidden: bool) {
    let world = World::with_settings(|settings| {
        settings.timing.poll_first = Duration::from_millis(300);
        settings.timing.poll_longest = Duration::from_millis(300);
        settings.timing.trigger_patience = Duration::from_secs(2);
        if ends_hidden {
            settings.sweep_every = Duration::from_secs(2);
        }
    })
    .await;
    let space = NewSpace::named(SPACE);
    world.spacelift.create_space_with_id(SPACE, space).unwrap();
    world.graph_with("database; apps: database", |name, stack| match name {
        "database" => stack.autodeploy(false).space(SPACE),
        _ => stack,
    });
    let root = world.push_to(1, &["database"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    follower_becomes(&world, &root, WorkflowExecutionStatus::Running).await;
    world.spacelift.revoke_space(SPACE);
    if ends_hidden {
        world.confirm("database").await;
        world.wait_for_run("database", &RunState::Finished).await;
    }
    follower_becomes(&world, &root, WorkflowExecutionStatus::Canceled).await;
    world.spacelift.grant_space(SPACE);
    if !ends_hidden {
        world.confirm("database").await;
    }
    assert_eq!(world.chain_of(&root).await.result, ChainResult::Succeeded);
    world.assert_once(&["database", "apps"]);
}
