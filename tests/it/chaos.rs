//! A day of faults: pushes, failures, people, lost messages, bad answers, crashing workers and a schedule that is lost
//! repeatedly, all at once. Afterwards a small checker reads what the account and the chains recorded.
//!
//! `SPILLWAY_CHAOS_SEED` selects another day, and `SPILLWAY_CHAOS_SECONDS` sets its length.

mod checker;
mod company;
mod day;
mod random;

use std::time::{Duration, Instant};

use temporalio_client::{WorkflowCountOptions, WorkflowListOptions};

use crate::world::{World, freeze_window};
use checker::Checker;
use company::Company;
use day::Day;

/// How long everything can take to end after the day.
const CALM: Duration = Duration::from_secs(150);

/// Chains of more stacks need an approval.
const APPROVED_ABOVE: u32 = 25;

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "it says what the day was like")]
async fn the_laws_hold_on_a_day_of_faults() {
    let seed = number("SPILLWAY_CHAOS_SEED", 2);
    let lasts = Duration::from_secs(number("SPILLWAY_CHAOS_SECONDS", 25));
    let mut world = World::with_settings(|settings| {
        settings.sweep_every = Duration::from_secs(2);
        settings.timing.poll_first = Duration::from_secs(2);
        settings.timing.poll_longest = Duration::from_secs(4);
        settings.timing.join_wait = Duration::from_secs(60);
        settings.timing.run_retry_pause = Duration::from_secs(1);
        settings.chain.ask_above = APPROVED_ABOVE;
        settings.freezes = vec![freeze_window("lunch", 12, 18, "layer-3-*")];
    })
    .await;
    let company = Company::of(seed);
    company.add_to(&world);
    let mut day = Day::new(seed, &company);
    let people = day::people(&world);
    day.happens(&mut world, lasts).await;
    println!("seed {seed}: {}", day.says());

    let day_over = Instant::now();
    let checker = Checker::new(&company, &world, &day.retries);
    let ended = tokio::time::timeout(CALM, checker.wait_for_the_end(&world)).await;
    people.abort();
    assert!(
        ended.is_ok(),
        "seed {seed}: not everything ends: {}",
        checker.says_what_is_open(&world).await
    );
    println!(
        "seed {seed}: all ended {} s after the day",
        day_over.elapsed().as_secs()
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

/// Workflows that the day itself terminated.
async fn failed_workflows(world: &World) -> Vec<String> {
    use futures::StreamExt;
    let query = format!(
        "ExecutionStatus IN ('Failed', 'TimedOut') AND {}",
        world.all_workflows()
    );
    let client = world.workflows.client();
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
