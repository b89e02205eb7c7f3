//! The state that is saved, broken, lost or told twice.

use chain::record::StackState;
use chain::schedule::{Decision, Event};
use chain::{RunId, RunState, Schedule};

use super::{MINUTE_MS, host, made};
use crate::account::id;
use crate::schedule::host::{Entry, Host};
use crate::schedule::world::By;

#[test]
fn a_run_of_our_key_that_nobody_remembers_is_no_root() {
    let mut host = host("vpc; db: vpc");
    host.run_for(1);
    host.lose();
    host.world.create(&id("vpc"), By::Us, 0, host.now_ms);
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "vpc");
    let is_alarm = |entry: &Entry| matches!(entry, Entry::Decided(Decision::NotARoot { .. }));
    assert!(host.trace.iter().any(|(_, entry)| is_alarm(entry)));
    host.keeps_the_laws();
}

#[test]
fn changes_are_told_soon_though_attempts_go_on() {
    let mut host = host("vpc; a: vpc; b: vpc");
    host.world.step_ms = 1_000;
    host.pushes("vpc");
    while made(&host).split(' ').count() < 2 {
        host.run_for(100);
    }
    host.run_for(3_000);
    let chain = host.only_chain();
    let began = host.records[&chain]
        .progress()
        .iter()
        .filter(|stack| stack.state != StackState::Waiting);
    assert_eq!(began.count(), 2);
}

/// The saved state, changed as a bug might have left it.
fn broken(host: &Host, change: impl Fn(&mut serde_json::Value)) -> Schedule {
    let mut saved = serde_json::to_value(&host.schedule).unwrap();
    change(&mut saved);
    serde_json::from_value(saved).unwrap()
}

fn two_chains() -> Host {
    let mut host = host("a; b; a1: a; b1: b");
    host.locks("a1", true);
    host.locks("b1", true);
    host.pushes("a b");
    host.run_for(5 * MINUTE_MS);
    host
}

#[test]
fn a_broken_state_puts_one_cause_aside() {
    let standings = |cause: &str, text: &'static str| {
        let pointer = format!("/causes/{cause}/plan/standings");
        move |saved: &mut serde_json::Value| *saved.pointer_mut(&pointer).unwrap() = text.into()
    };
    for text in ["", "dd", ".r..", "????", "...............", ".p.."] {
        let mut host = two_chains();
        host.schedule = broken(&host, standings("0", text));
        host.locks("a1", false);
        host.locks("b1", false);
        host.hour();
        let is_alarm = |entry: &Entry| matches!(entry, Entry::Decided(Decision::Quarantined { .. }));
        assert_eq!(
            host.trace.iter().filter(|(_, entry)| is_alarm(entry)).count(),
            1,
            "{text}"
        );
        assert_eq!(
            made(&host).split(' ').count(),
            1,
            "{text}: the other chain goes on"
        );
    }
    let mut host = two_chains();
    host.schedule = broken(&host, |saved| {
        saved["topologies"] = serde_json::json!({"0": {"ids": ["a"], "upstream": [[7]]}});
    });
    host.hour();
}

#[test]
fn a_newer_state_is_recognised() {
    let host = two_chains();
    assert_eq!(host.schedule.version(), chain::schedule::STATE_VERSION);
    let newer = broken(&host, |saved| {
        saved["version"] = 99.into();
        saved["of_the_future"] = true.into();
        *saved.pointer_mut("/causes/0/plan/standings").unwrap() = "d?".into();
    });
    assert_eq!(newer.version(), 99);
}

#[test]
fn an_end_that_is_told_again_starts_nothing() {
    let mut host = host("vpc; db: vpc");
    host.pushes("vpc");
    host.hour();
    let run = host.world.runs[0].facts.clone();
    assert_eq!(run.state, RunState::Finished);
    let ended: &RunId = &run.id;
    assert_eq!(ended.as_str(), "01R000000");
    for lose in [false, true] {
        if lose {
            host.lose();
            host.run_for(MINUTE_MS);
        }
        host.tell(Event::RunEnded {
            stack: id("vpc"),
            run: run.clone(),
        });
        host.hour();
        assert_eq!(made(&host), "db", "after a loss: {lose}");
    }
}
