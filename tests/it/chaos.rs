//! A bad day: pushes, failures, people, lost messages, bad answers, dying workers and a schedule that is lost again and
//! again, all at once. Afterwards a small checker reads what the account and the chains recorded.
//!
//! `SPILLWAY_CHAOS_SEED` chooses another day, `SPILLWAY_CHAOS_SECONDS` how long it is.

mod checker;
mod day;
mod random;

use std::time::{Duration, Instant};

use temporalio_client::{WorkflowCountOptions, WorkflowListOptions};

use crate::world::World;
use checker::Checker;
use day::{Company, Day};

/// How long everything may take to end once the day is over.
const CALM: Duration = Duration::from_secs(150);

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "it says what the day was like")]
async fn on_a_bad_day_the_laws_hold() {
    let seed = number("SPILLWAY_CHAOS_SEED", 1);
    let lasts = Duration::from_secs(number("SPILLWAY_CHAOS_SECONDS", 20));
    let mut world = World::with_settings(|settings| {
        settings.sweep_every = Duration::from_secs(2);
        settings.timing.poll_first = Duration::from_secs(2);
        settings.timing.poll_longest = Duration::from_secs(4);
        settings.timing.join_wait = Duration::from_secs(30);
    })
    .await;
    let company = Company::of(seed);
    company.add_to(&world);
    let mut day = Day::new(seed, &company);
    let people = day::people(&world);
    day.happens(&mut world, lasts).await;
    println!("seed {seed}: {}", day.says());

    let calm = Instant::now();
    let checker = Checker::new(&company, &world);
    let ended = tokio::time::timeout(CALM, checker.wait_for_the_end(&world)).await;
    people.abort();
    assert!(
        ended.is_ok(),
        "seed {seed}: not everything ends: {}",
        checker.says_what_is_open(&world).await
    );
    println!(
        "seed {seed}: all ended {} s after the day",
        calm.elapsed().as_secs()
    );
    let checked = checker.check(&world).await;
    println!("seed {seed}: {}", checked.says());
    let failed = failed_workflows(&world).await;
    assert!(failed.is_empty(), "seed {seed}: workflows failed: {failed:?}");
    assert!(
        checked.violations.is_empty(),
        "seed {seed}:\n{}",
        checked.violations.join("\n")
    );
}

/// Workflows that ended for a reason of our own.
async fn failed_workflows(world: &World) -> Vec<String> {
    use futures::StreamExt;
    let query = format!(
        "ExecutionStatus IN ('Failed', 'TimedOut') AND TaskQueue = '{}'",
        world.orchestrator.settings().task_queue
    );
    let client = world.orchestrator.client();
    let count = client
        .count_workflows(&query, WorkflowCountOptions::default())
        .await;
    if count.unwrap().count() == 0 {
        return Vec::new();
    }
    let mut found = client.list_workflows(query, WorkflowListOptions::default());
    let mut ids = Vec::new();
    while let Some(workflow) = found.next().await {
        ids.push(workflow.unwrap().id().to_owned());
    }
    ids
}
