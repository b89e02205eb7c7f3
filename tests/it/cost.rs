//! The cost of a stack: Temporal's actions, counted from histories as they are billed, and requests to Spacelift.

use std::time::Duration;

use chain::{RunId, RunState};
use mock_spacelift::Pace;
use serde_json::Value;
use settings::Timing;

use crate::world::{PACE, World, stacks_in_a_row};

/// What a stack of a chain may cost.
const ACTIONS_OF_STACK: usize = 12;
const REQUESTS_OF_STACK: usize = 4;

/// At this pace, a run takes longer than the schedule waits to send several changes together.
const SLOW: Pace = Pace::Every(Duration::from_millis(500));

/// The cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spent {
    actions: usize,
    requests: usize,
    listings: usize,
}

async fn spent(world: &World) -> Spent {
    let requests = world.spacelift.requests();
    let listings = requests
        .iter()
        .filter(|request| request.is("searchStacks"))
        .count();
    // A listing also reads the policies.
    let policies = requests.iter().filter(|request| request.is("policies")).count();
    Spent {
        actions: actions(world).await,
        requests: requests.len() - listings - policies,
        listings,
    }
}

/// The actions of all workflows except the sweeps.
async fn actions(world: &World) -> usize {
    let histories = world.histories("WorkflowType != 'ReconcileWorkflow'").await;
    histories.iter().map(actions_in).sum()
}

/// | what | actions |
/// |---|---|
/// | a start, a start with a signal, a continuation | 1 |
/// | the start of a child | 2 |
/// | a signal | 1 |
/// | a timer | 1 |
/// | an attempt of an activity | 1 |
///
/// Heartbeats that reach the server are in no history: the first comes after five seconds, which nothing here takes.
fn actions_in(history: &Value) -> usize {
    let events = history["events"].as_array().unwrap();
    let attributes = |event: &Value| -> (String, Value) {
        let attributes = event["attributes"].as_object().unwrap();
        let (kind, fields) = attributes.iter().next().unwrap();
        (kind.clone(), fields.clone())
    };
    let mut actions = 0;
    for event in events {
        let (kind, fields) = attributes(event);
        actions += match kind.trim_end_matches("EventAttributes") {
            "WorkflowExecutionStarted" => {
                let is_child = !fields["parent_workflow_execution"].is_null();
                let is_with_signal = events
                    .get(1)
                    .is_some_and(|second| attributes(second).0 == "WorkflowExecutionSignaledEventAttributes");
                usize::from(!is_child && !is_with_signal)
            }
            "StartChildWorkflowExecutionInitiated" => 2,
            "WorkflowExecutionSignaled" | "TimerStarted" => 1,
            "ActivityTaskStarted" => usize::try_from(fields["attempt"].as_u64().unwrap()).unwrap(),
            _ => 0,
        };
    }
    actions
}

impl Spent {
    fn since(self, before: Self) -> Self {
        Self {
            actions: self.actions.saturating_sub(before.actions),
            requests: self.requests.saturating_sub(before.requests),
            listings: self.listings.saturating_sub(before.listings),
        }
    }

    /// Each of this many stacks costs as little as it may.
    #[track_caller]
    fn is_cheap_for(self, stacks: usize) {
        assert!(
            self.actions <= stacks * ACTIONS_OF_STACK && self.requests <= stacks * REQUESTS_OF_STACK,
            "{self:?} for {stacks} stacks"
        );
    }
}

/// Waits until the chains have ended and all messages have arrived.
async fn over(world: &World, roots: &[RunId]) {
    world.all_succeed(roots).await;
    world.wait_for_quiet().await;
}

async fn spent_on(world: &World, push: u32, stacks: &[&str]) -> Spent {
    let before = spent(world).await;
    let roots = world.push_to(push, stacks);
    over(world, &roots).await;
    spent(world).await.since(before)
}

/// What this many stacks more cost in a chain, and the chain of a single stack. They are in a row: no other shape costs
/// more.
async fn cost_of(stacks: usize, pace: Pace) -> (Spent, Spent) {
    let world = World::start().await;
    let (short, long) = (
        stacks_in_a_row("short", "dns", 1),
        stacks_in_a_row("long", "network", stacks + 1),
    );
    world.graph(&format!("dns; network; {short}; {long}"));
    // The schedule exists from now on.
    spent_on(&world, 1, &["dns"]).await;
    world.spacelift.pace(pace);
    let one = spent_on(&world, 2, &["dns"]).await;
    let more = spent_on(&world, 3, &["network"]).await.since(one);
    (more, one)
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
async fn a_stack_costs_few_actions_and_requests() {
    const STACKS: usize = 10;
    let (more, one) = cost_of(STACKS, Pace::Every(PACE)).await;
    println!("a chain of one stack: {one:?}, {STACKS} stacks more: {more:?}");
    more.is_cheap_for(STACKS);
    assert_eq!((one.listings, more.listings), (1, 0));
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
async fn a_further_cause_costs_little_more_for_each_stack() {
    // A signal to the record and one write of its audit log, and half as much again on a slow machine, where a signal
    // carries fewer changes.
    const ACTIONS: usize = 3;
    const STACKS: usize = 4;
    let world = World::start().await;
    let (short, long) = (
        stacks_in_a_row("short", "dns other", 1),
        stacks_in_a_row("long", "network cloud", STACKS + 1),
    );
    world.graph(&format!("dns; other; network; cloud; {short}; {long}"));
    spent_on(&world, 1, &["dns"]).await;
    world.spacelift.pace(SLOW);
    let one = [
        spent_on(&world, 2, &["dns"]).await,
        spent_on(&world, 3, &["network"]).await,
    ];
    let two = [
        spent_on(&world, 4, &["dns", "other"]).await,
        spent_on(&world, 5, &["network", "cloud"]).await,
    ];
    let [short, long] = [0, 1].map(|at| two[at].since(one[at]));
    let more = long.since(short);
    println!("for a second cause: {short:?} with one stack, {more:?} for {STACKS} stacks more");
    assert!(more.actions <= ACTIONS * STACKS, "{more:?} for {STACKS} stacks");
    assert!(more.requests < STACKS, "{more:?}");
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
async fn a_run_of_a_stack_without_dependents_costs_seven_actions() {
    const ACTIONS: usize = 7;
    const RUNS: u32 = 5;
    let world = World::start().await;
    world.graph("network; apps: network");
    let roots = world.push_to(1, &["network"]);
    over(&world, &roots).await;
    let before = spent(&world).await;
    for number in 2..2 + RUNS {
        world.push_to(number, &["apps"]);
        world
            .spacelift
            .wait_until("the run to end", |spacelift| {
                let runs = spacelift.runs_of("apps");
                runs.iter().all(|run| run.state == RunState::Finished)
            })
            .await;
        world.wait_for_quiet().await;
    }
    let leaf = spent(&world).await.since(before);
    println!("{RUNS} runs on whose stack nothing depends: {leaf:?}");
    assert!(
        leaf.actions <= ACTIONS * RUNS as usize,
        "{leaf:?} for {RUNS} runs"
    );
    assert_eq!(leaf.listings, 0);
}

/// Runs that take longer than the schedule waits to send changes together. A run of five minutes costs no more: it ends
/// before the first look.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
async fn a_stack_whose_run_takes_minutes_costs_few_actions_and_requests() {
    const STACKS: usize = 5;
    assert!(Timing::default().poll_first > Duration::from_mins(5));
    let (more, _) = cost_of(STACKS, SLOW).await;
    println!("{STACKS} stacks with slow runs: {more:?}");
    more.is_cheap_for(STACKS);
}

/// The looks of a day, one after the other and without most of the time between them.
#[tokio::test]
#[expect(clippy::print_stdout, reason = "it measures, and says what")]
async fn a_day_of_waiting_for_a_person_costs_at_most_thirty_actions() {
    const ACTIONS: usize = 30;
    const FASTER: u32 = 10_000;
    let timing = Timing::default();
    let (mut looks, mut waited) = (0, timing.poll_pause(0));
    while waited <= Duration::from_hours(24) {
        looks += 1;
        waited += timing.poll_pause(looks);
    }
    let looks = usize::try_from(looks).unwrap();
    let world = World::with_settings(|settings| {
        settings.timing.poll_first = timing.poll_first / FASTER;
        settings.timing.poll_longest = timing.poll_longest / FASTER;
    })
    .await;
    world.graph_confirming("network; database: network", &["database"]);
    let root = world.push_to(1, &["network"]).remove(0);
    world.wait_for_run("database", &RunState::Unconfirmed).await;
    world
        .wait_for_stack(&root, "database", "the note", |stack| stack.note.is_some())
        .await;
    let before = spent(&world).await;
    let requests = world.spacelift.requests().len() + looks;
    world
        .spacelift
        .wait_until("the looks of a day", |spacelift| {
            spacelift.requests().len() >= requests
        })
        .await;
    let day = spent(&world).await.since(before);
    println!("a day of waiting for a person, {looks} looks: {day:?}");
    assert!(day.actions <= ACTIONS, "{day:?}");
    world.confirm("database").await;
    over(&world, &[root]).await;
}
