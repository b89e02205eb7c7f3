//! Causes that need the same stack share its runs, and commits never go back.

use std::time::Duration;

use chain::{RunId, RunState};
use mock_spacelift::{DeliveredTransition, Pace, WebhookFault};

use crate::world::{PACE, WAIT_MAX, World};

/// `root-0 root-1 …`, and their names.
fn roots(count: usize) -> (String, Vec<String>) {
    let names: Vec<String> = (0..count).map(|number| format!("root-{number}")).collect();
    (names.join("; "), names)
}

fn texts(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

#[tokio::test]
async fn one_push_to_two_roots_runs_their_shared_dependents_once() {
    let world = World::start().await;
    world.graph("network; database; apps: network database");
    let roots = world.push_to(1, &["network", "database"]);
    world.all_succeed(&roots).await;
    world.assert_once(&["network", "database", "apps"]);
    world.assert_order(&[("network", "apps"), ("database", "apps")]);
    assert_eq!(world.commits_of("apps"), [Some(1)]);
}

#[tokio::test]
async fn one_push_to_ten_roots_runs_their_shared_dependents_once() {
    let world = World::start().await;
    let (line, names) = roots(10);
    world.graph(&format!("{line}; apps: {}; tail: apps", names.join(" ")));
    let roots = world.push_to(1, &texts(&names));
    world.all_succeed(&roots).await;
    world.assert_once(&["apps", "tail"]);
    for name in &names {
        world.assert_order(&[(name, "apps")]);
    }
    world.assert_order(&[("apps", "tail")]);
}

/// The schedule begins with the end of the first root. The second one has ended, too, which nobody reports.
#[tokio::test]
async fn a_root_whose_end_is_not_reported_yet_shares_the_first_runs() {
    let world = World::start().await;
    world.graph("network; database; apps: network database; tail: apps");
    world.spacelift.pace(Pace::Manual);
    let roots = world.push_to(1, &["network", "database"]);
    world.spacelift.step();
    world.wait_for_followers(2).await;
    let is_end_of_database =
        |about: &DeliveredTransition| about.stack.as_str() == "database" && about.state.is_terminal();
    let lost = WebhookFault::lost().when(is_end_of_database);
    world.spacelift.webhook_fault(lost);
    let is_over = |root: &RunId| world.spacelift.run(root).unwrap().state.is_terminal();
    while !roots.iter().all(is_over) {
        world.spacelift.step();
    }
    world.spacelift.pace(Pace::Every(PACE));
    world.all_succeed(&roots).await;
    world.assert_once(&["apps", "tail"]);
}

/// The schedule begins with the end of the first root, and has to find the running second one.
#[tokio::test]
async fn a_root_that_ends_later_is_waited_for() {
    const BEFORE: usize = 8;
    let world = World::start().await;
    world.graph("network; database; apps: network database; tail: apps");
    // A push to the database queues behind these.
    let mut roots: Vec<RunId> = (0..BEFORE)
        .map(|_| world.spacelift.trigger("database", "alice"))
        .collect();
    roots.extend(world.push_to(1, &["network", "database"]));
    world.all_succeed(&roots).await;
    world.assert_once(&["network", "apps", "tail"]);
    let last = world.spacelift.runs_of("database").pop().unwrap();
    let apps = &world.spacelift.runs_of("apps")[0];
    assert!(last.reached(&RunState::Finished).unwrap() <= apps.created_at);
}

#[tokio::test]
async fn a_chain_confirmed_late_does_not_restore_an_older_commit() {
    let world = World::start().await;
    world.graph_confirming("network; slow: network; other; apps: slow other", &["slow"]);
    let first = world.push_to(1, &["network"]);
    world.wait_for_run("slow", &RunState::Unconfirmed).await;
    let second = world.push_to(2, &["other"]);
    world.all_succeed(&second).await;
    assert_eq!(world.commits_of("apps"), [Some(2)]);
    world.confirm("slow").await;
    world.all_succeed(&first).await;
    assert_eq!(world.commits_of("apps"), [Some(2), Some(2)]);
    assert_eq!(world.commits_of("slow"), [Some(1)]);
}

/// Something upstream is always due. The wait for it is limited.
#[tokio::test]
async fn pushes_that_never_end_keep_no_stack_waiting() {
    let world = World::with_settings(|settings| settings.timing.join_wait = Duration::from_secs(2)).await;
    world.graph("network; dns; database: network; cluster: network dns; apps: database cluster; tail: apps");
    let has_run = |stack: &str| {
        let runs = world.spacelift.runs_of(stack);
        runs.iter().any(|run| run.state == RunState::Finished)
    };
    let mut pushes = 0;
    let reached = tokio::time::timeout(WAIT_MAX, async {
        while !has_run("tail") {
            pushes += 1;
            let roots = world.push_to(pushes, &["network", "dns"]);
            // The next push comes while the stacks of this one are due, however slow the machine is.
            world
                .wait_for_chain(&roots[0], "a plan", |report| report.record.is_some())
                .await;
        }
    });
    assert!(reached.await.is_ok(), "`tail` did not run during {pushes} pushes");
}

#[tokio::test]
async fn after_a_stream_of_pushes_every_stack_is_on_the_newest_commit() {
    const PUSHES: u32 = 12;
    const PAUSE: Duration = Duration::from_millis(300);
    let world = World::start().await;
    world.graph("network; dns; database: network; cluster: network dns; apps: database cluster; tail: apps");
    let mut pauses = tokio::time::interval(PAUSE);
    let mut roots = Vec::new();
    for number in 1..=PUSHES {
        pauses.tick().await;
        roots.extend(world.push_to(number, &["network", "dns"]));
    }
    world.all_succeed(&roots).await;
    for stack in ["network", "dns", "database", "cluster", "apps", "tail"] {
        let commits = world.commits_of(stack);
        assert_eq!(commits.last(), Some(&Some(PUSHES)), "{stack}: {commits:?}");
        assert!(commits.is_sorted(), "{stack}: {commits:?}");
        assert!(commits.len() <= PUSHES as usize, "{stack}: {commits:?}");
    }
    for (before, after) in [
        ("network", "database"),
        ("network", "cluster"),
        ("dns", "cluster"),
        ("database", "apps"),
        ("cluster", "apps"),
        ("apps", "tail"),
    ] {
        let last = |stack: &str| world.spacelift.runs_of(stack).pop().unwrap();
        let ended = last(before).reached(&RunState::Finished).unwrap();
        assert!(
            ended <= last(after).created_at,
            "{after} ran before {before} ended"
        );
    }
}
