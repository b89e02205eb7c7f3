//! The walk, step by step.

use std::num::NonZeroU32;

use chain::walk::{Counts, WalkError};
use chain::{ChainSettings, OnFailure, Outcome, Reason, StackState, Walk};

use crate::account::{graph, id, root};

fn walk_with(account: &str, parallel_runs: u32, on_failure: OnFailure) -> Walk {
    let settings = ChainSettings {
        parallel_runs: NonZeroU32::new(parallel_runs).unwrap(),
        on_failure,
        ..ChainSettings::default()
    };
    Walk::new(chain::plan(&graph(account), &root("vpc"), &settings).unwrap())
}

fn walk(account: &str) -> Walk {
    walk_with(account, 10, OnFailure::SkipDownstream)
}

fn ready(walk: &Walk) -> String {
    walk.ready()
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

fn failed() -> Outcome {
    Outcome::Failed(Reason::new("run_failed", "its run failed"))
}

fn run(walk: &mut Walk, stack: &str, outcome: Outcome) {
    walk.start(&id(stack), 1).unwrap();
    walk.finish(&id(stack), outcome, 2).unwrap();
}

/// `stack state (code)` for each stack.
fn states(walk: &Walk) -> Vec<String> {
    let line = |stack: &chain::StackProgress| match &stack.reason {
        Some(reason) => format!("{} {} ({})", stack.id, stack.state, reason.code),
        None => format!("{} {}", stack.id, stack.state),
    };
    walk.progress().iter().map(line).collect()
}

#[test]
fn a_stack_starts_when_all_its_upstream_is_done() {
    let mut walk = walk("vpc; db: vpc; dns: vpc; app: db dns; ui: db");
    assert_eq!(ready(&walk), "db dns");
    run(&mut walk, "db", Outcome::Succeeded);
    assert_eq!(ready(&walk), "dns ui", "no waves: `ui` does not wait for `dns`");
    run(&mut walk, "dns", Outcome::Succeeded);
    assert_eq!(ready(&walk), "app ui");
    run(&mut walk, "app", Outcome::Succeeded);
    assert!(!walk.is_over());
    run(&mut walk, "ui", Outcome::Succeeded);
    assert!(walk.is_over());
    assert_eq!(
        walk.counts(),
        Counts {
            succeeded: 4,
            ..Counts::default()
        }
    );
}

#[test]
fn an_empty_chain_is_over() {
    let walk = walk("vpc");
    assert!(walk.is_over());
    assert_eq!(walk.counts().to_string(), "nothing to run");
}

#[test]
fn at_most_so_many_run_and_the_most_downstream_first() {
    let mut walk = walk_with(
        "vpc; a: vpc; b: vpc; c: vpc; c2: c; b2: b; b3: b",
        2,
        OnFailure::SkipDownstream,
    );
    assert_eq!(ready(&walk), "b c");
    walk.start(&id("b"), 1).unwrap();
    assert_eq!(ready(&walk), "c");
    walk.start(&id("c"), 1).unwrap();
    assert_eq!(ready(&walk), "");
    assert_eq!(walk.start(&id("a"), 1), Err(WalkError::NoFreeSlot(2)));
    walk.finish(&id("c"), Outcome::Succeeded, 2).unwrap();
    assert_eq!(ready(&walk), "a");
}

#[test]
fn a_failure_skips_what_is_downstream() {
    let mut walk = walk("vpc; a: vpc; b: vpc; join: a b; end: join; other: b");
    walk.start(&id("b"), 1).unwrap();
    run(&mut walk, "a", failed());
    assert_eq!(
        states(&walk),
        [
            "b running",
            "a failed (run_failed)",
            "join skipped (upstream_failed)",
            "end skipped (upstream_failed)",
            "other waiting"
        ]
    );
    let end = walk.stack(&id("end")).unwrap();
    assert_eq!(end.reason.as_ref().unwrap().text, "its upstream `a` failed");
    assert_eq!(end.finished_at_ms, Some(2));
    walk.finish(&id("b"), Outcome::Succeeded, 3).unwrap();
    assert_eq!(ready(&walk), "other");
    run(&mut walk, "other", Outcome::Succeeded);
    assert!(walk.is_over());
    assert_eq!(walk.counts().to_string(), "2 succeeded, 1 failed, 2 skipped");
}

#[test]
fn a_failure_stops_the_chain() {
    let mut walk = walk_with("vpc; a: vpc; b: vpc; c: b; after: a", 1, OnFailure::Stop);
    run(&mut walk, "a", failed());
    assert_eq!(
        states(&walk),
        [
            "a failed (run_failed)",
            "b skipped (chain_stopped)",
            "after skipped (upstream_failed)",
            "c skipped (chain_stopped)"
        ]
    );
    assert!(walk.is_over());
    assert_eq!(walk.stopped().unwrap().text, "the chain stopped when `a` failed");
}

#[test]
fn a_stopped_chain_lets_run_what_runs() {
    let mut walk = walk_with("vpc; a: vpc; b: vpc; c: b", 2, OnFailure::Stop);
    walk.start(&id("b"), 1).unwrap();
    run(&mut walk, "a", failed());
    assert_eq!(
        states(&walk),
        ["b running", "a failed (run_failed)", "c skipped (chain_stopped)"]
    );
    assert!(!walk.is_over());
    walk.finish(&id("b"), Outcome::Succeeded, 3).unwrap();
    assert!(walk.is_over());
}

#[test]
fn a_failure_counts_as_done() {
    let mut walk = walk_with("vpc; a: vpc; after: a", 10, OnFailure::Continue);
    run(&mut walk, "a", failed());
    assert_eq!(ready(&walk), "after");
}

#[test]
fn a_stack_that_is_passed_over_holds_up_nothing() {
    let mut walk = walk("vpc; a: vpc; after: a");
    run(
        &mut walk,
        "a",
        Outcome::Skipped(Reason::new("disabled", "it was disabled meanwhile")),
    );
    assert_eq!(states(&walk), ["a skipped (disabled)", "after waiting"]);
    assert_eq!(ready(&walk), "after");
}

#[test]
fn pausing() {
    let mut walk = walk("vpc; a: vpc; b: vpc");
    walk.start(&id("a"), 1).unwrap();
    walk.pause();
    assert_eq!(ready(&walk), "");
    assert_eq!(walk.start(&id("b"), 1), Err(WalkError::Paused));
    walk.finish(&id("a"), Outcome::Succeeded, 2).unwrap();
    assert!(!walk.is_over() && walk.is_paused());
    walk.resume();
    assert_eq!(ready(&walk), "b");
}

#[test]
fn cancelling() {
    let mut walk = walk("vpc; a: vpc; b: vpc; c: a");
    walk.start(&id("a"), 1).unwrap();
    walk.cancel("by alice", 5);
    walk.cancel("", 6);
    assert_eq!(
        states(&walk),
        [
            "a running",
            "b skipped (chain_cancelled)",
            "c skipped (chain_cancelled)"
        ]
    );
    assert_eq!(walk.stopped().unwrap().text, "the chain was cancelled: by alice");
    assert_eq!(walk.stack(&id("b")).unwrap().finished_at_ms, Some(5));
    assert!(!walk.is_over());
    walk.finish(&id("a"), failed(), 7).unwrap();
    assert!(walk.is_over());
}

#[test]
fn what_is_known_of_a_run() {
    let mut walk = walk("vpc; a: vpc");
    let run = |n: u8| format!("R{n}").parse::<chain::RunId>().unwrap();
    assert!(matches!(
        walk.ran(&id("a"), run(1)),
        Err(WalkError::NotRunning { .. })
    ));
    walk.start(&id("a"), 10).unwrap();
    walk.ran(&id("a"), run(1)).unwrap();
    walk.ran(&id("a"), run(1)).unwrap();
    walk.ran(&id("a"), run(2)).unwrap();
    walk.note(&id("a"), Some("waits for a confirmation".to_owned()))
        .unwrap();
    let a = walk.stack(&id("a")).unwrap();
    assert_eq!((a.run.as_ref(), a.runs), (Some(&run(2)), 2));
    assert_eq!(a.note.as_deref(), Some("waits for a confirmation"));
    walk.finish(&id("a"), Outcome::Succeeded, 20).unwrap();
    let a = walk.stack(&id("a")).unwrap();
    assert_eq!((a.started_at_ms, a.finished_at_ms), (Some(10), Some(20)));
    assert_eq!(a.note, None, "it waits for nothing any more");
}

#[test]
fn a_wrong_step_changes_nothing() {
    let mut walk = walk("vpc; a: vpc; b: a");
    let before = walk.clone();
    let (a, b, vpc) = (id("a"), id("b"), id("vpc"));
    assert_eq!(walk.start(&vpc, 1), Err(WalkError::UnknownStack(vpc.clone())));
    assert_eq!(
        walk.finish(&vpc, Outcome::Succeeded, 1),
        Err(WalkError::UnknownStack(vpc))
    );
    assert_eq!(walk.start(&b, 1), Err(WalkError::UpstreamNotDone(b)));
    let state = StackState::Waiting;
    assert_eq!(
        walk.finish(&a, Outcome::Succeeded, 1),
        Err(WalkError::NotRunning {
            stack: a.clone(),
            state
        })
    );
    assert_eq!(walk, before);
    walk.start(&a, 1).unwrap();
    let state = StackState::Running;
    assert_eq!(
        walk.start(&a, 1),
        Err(WalkError::NotWaiting {
            stack: a.clone(),
            state
        })
    );
    walk.finish(&a, Outcome::Succeeded, 1).unwrap();
    let state = StackState::Succeeded;
    assert_eq!(
        walk.finish(&a, failed(), 1),
        Err(WalkError::NotRunning { stack: a, state })
    );
}

#[test]
fn a_saved_walk_goes_on() {
    let mut walk = walk("vpc; a: vpc; b: a; c: a");
    run(&mut walk, "a", Outcome::Succeeded);
    walk.start(&id("b"), 3).unwrap();
    walk.pause();
    let saved = serde_json::to_string(&walk).unwrap();
    let mut restored: Walk = serde_json::from_str(&saved).unwrap();
    assert_eq!(restored, walk);
    restored.resume();
    assert_eq!(ready(&restored), "c");
    restored.cancel("", 4);
    let again: Walk = serde_json::from_str(&serde_json::to_string(&restored).unwrap()).unwrap();
    assert_eq!(again, restored);
}

#[test]
fn the_progress_of_another_chain_is_refused() {
    let saved = serde_json::to_value(walk("vpc; a: vpc; b: a")).unwrap();
    for change in [
        |stacks: &mut Vec<serde_json::Value>| stacks.reverse(),
        |stacks: &mut Vec<serde_json::Value>| stacks.truncate(1),
    ] {
        let mut changed = saved.clone();
        change(changed["progress"].as_array_mut().unwrap());
        let error = serde_json::from_value::<Walk>(changed).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the progress does not list the chain's stacks in their order"
        );
    }
}
