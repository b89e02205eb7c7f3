//! Chains that are longer than one history may be.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use audit::Action;
use chain::ChainId;
use chain::ChainResult;
use chain::{ChainRecord, StackState};
use mock_spacelift::NewStack;

use crate::audit::entries;
use crate::world::World;

/// As few events as can be set.
const HISTORY_EVENTS: u32 = 100;
const STACKS: usize = 40;

/// `network`, and so many stacks that wait for it alone.
fn many(world: &World, count: usize) {
    world.spacelift.add_stack(NewStack::named("network"));
    for number in 0..count {
        let stack = NewStack::named(&format!("stack-{number:04}")).depends_on("network");
        world.spacelift.add_stack(stack);
    }
}

/// One more that waits for a confirmation.
fn slow(world: &World) {
    let stack = NewStack::named("database")
        .depends_on("network")
        .autodeploy(false);
    world.spacelift.add_stack(stack);
}

#[tokio::test]
async fn the_schedule_goes_on_in_new_histories_while_stacks_run() {
    let world = World::with_settings(|settings| settings.timing.history_events = HISTORY_EVENTS).await;
    many(&world, STACKS);
    // It runs from the first history to the last.
    slow(&world);
    world
        .spacelift
        .add_stack(NewStack::named("apps").depends_on("database"));
    let root = world.spacelift.push("network");
    world
        .wait_for_chain(&root, "all but the slow stack and what waits for it", |report| {
            let counts = report.record.as_ref().map(ChainRecord::counts);
            counts.is_some_and(|counts| counts.succeeded == STACKS)
        })
        .await;
    world.confirm("database").await;
    let report = world.chain_of(&root).await;
    assert_eq!(report.result, ChainResult::Succeeded);
    let walk = report.record.unwrap();
    assert!(
        walk.progress()
            .iter()
            .all(|stack| stack.state == StackState::Succeeded && stack.runs == 1)
    );
    assert_eq!(world.runs_per_stack().len(), STACKS + 3);
    assert!(world.runs_per_stack().iter().all(|(_, runs)| *runs == 1));
    world.assert_order(&[("database", "apps")]);
    let histories = world.workflows("StackScheduleWorkflow").await;
    assert!(histories >= 4, "the schedule had {histories} histories");
    assert_eq!(world.workflows("StackExecutionWorkflow").await, STACKS + 2);
    // No record is lost where one history ends and the next begins.
    let entries = entries(&world, &root).await;
    for action in [Action::RunTriggered, Action::StackEnded] {
        let told: BTreeSet<_> = entries
            .iter()
            .filter(|entry| entry.action == action)
            .map(|entry| entry.stack.clone())
            .collect();
        assert_eq!(told.len(), STACKS + 2, "{action}");
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
#[ignore = "takes minutes: `cargo xtask test -p tests two_thousand -- --ignored --nocapture`"]
async fn two_thousand_stacks_stay_within_the_limits_of_temporal() {
    const STACKS: usize = 2_000;
    let world = World::start().await;
    many(&world, STACKS);
    let began = Instant::now();
    let root = world.spacelift.push("network");
    let chain = ChainId::of_root_run(&world.account, &root);
    let report = tokio::time::timeout(Duration::from_secs(1800), world.orchestrator.end_of_chain(&chain))
        .await
        .expect("it ends")
        .unwrap();
    let took = began.elapsed();
    assert_eq!(report.result, ChainResult::Succeeded);
    assert_eq!(report.record.unwrap().counts().succeeded, STACKS);
    assert!(world.runs_per_stack().iter().all(|(_, runs)| *runs == 1));
    let histories = world.workflows("StackScheduleWorkflow").await;
    println!(
        "{STACKS} stacks, {histories} histories of the schedule, {} s",
        took.as_secs()
    );
}
