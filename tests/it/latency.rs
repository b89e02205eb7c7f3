//! The time from the end of a run to the next trigger.

use std::time::Duration;

use chain::{ChainResult, RunState};

use crate::world::{World, stacks_in_a_row};

/// The number of stacks in the account.
const STACKS: usize = 500;
/// The number of stacks in the chain, a line.
const HOPS: usize = 40;

#[tokio::test]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
#[ignore = "a measurement: `cargo xtask test -p tests latency -- --ignored --nocapture`"]
async fn from_the_end_of_a_run_to_the_next_trigger() {
    let world = World::start().await;
    world.graph(&format!("network; {}", stacks_in_a_row("stack", "network", HOPS)));
    for number in HOPS..STACKS {
        world.graph(&format!("other-{number:03}"));
    }
    let root = world.spacelift.push("network");
    world
        .spacelift
        .wait_until("the root run to finish", |spacelift| {
            spacelift
                .run(&root)
                .is_some_and(|run| run.state == RunState::Finished)
        })
        .await;
    let chain = chain::ChainId::of_root_run(&world.account, &root);
    let report = tokio::time::timeout(Duration::from_secs(300), world.workflows.end_of_chain(&chain))
        .await
        .expect("it ends")
        .unwrap();
    assert_eq!(report.result, ChainResult::Succeeded);
    let run_of = |stack: &str| world.spacelift.runs_of(stack).remove(0);
    let mut before = run_of("network");
    let mut hops = Vec::new();
    for number in 1..=HOPS {
        let run = run_of(&format!("stack-{number:02}"));
        let ended = before.reached(&RunState::Finished).unwrap();
        hops.push(run.created_at.millis() - ended.millis());
        before = run;
    }
    println!(
        "from the end of the root to the first trigger, with planning: {} ms",
        hops[0]
    );
    let mut rest = hops.split_off(1);
    rest.sort_unstable();
    println!(
        "from the end of a run to the next trigger, {STACKS} stacks, {} hops: p50 {} ms, p99 {} ms",
        rest.len(),
        rest[rest.len() / 2],
        rest[rest.len() - 1]
    );
}
