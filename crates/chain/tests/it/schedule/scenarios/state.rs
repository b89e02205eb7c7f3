//! The saved state: broken, lost, or with repeated events.

use chain::record::StackState;
use chain::schedule::{Control, Decision, Event, Rebuilt};
use chain::{RunId, RunState, Schedule, ScheduleSettings};

use super::{MINUTE_MS, host, host_with, made, settings, states};
use crate::account::{id, stacks};
use crate::schedule::host::{Entry, Faults, Host, account};
use crate::schedule::random::Random;
use crate::schedule::world::{By, Fate, Run, World};

#[test]
fn an_unknown_run_of_our_key_starts_no_chain() {
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
fn changes_are_reported_soon_during_attempts() {
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

/// Runs until `db` has run and its attempt has answered, while the record of the chain does not know it yet. `None` if
/// the record was updated first.
fn ran_unrecorded(seed: u64) -> Option<Host> {
    let world = World::new(stacks("vpc; db: vpc; other: vpc; apps: db"), Random::new(seed));
    let faults = Faults {
        delay_ms: 150,
        ..Faults::default()
    };
    let mut host = Host::new(world, ScheduleSettings::default(), faults, Random::new(!seed));
    host.world.step_ms = 10;
    host.pushes("vpc");
    loop {
        host.run_for(1);
        let chain = host.records.keys().next().cloned();
        let record = chain.map(|chain| &host.records[&chain]);
        if record.is_some_and(|record| record.stack(&id("db")).unwrap().run.is_some()) {
            return None;
        }
        let of_db = |run: &Run| run.stack == id("db") && run.is_over();
        if host.has_ended("db") && host.world.runs.iter().any(of_db) {
            return Some(host);
        }
    }
}

/// Spacelift's times are in seconds, so it cannot be seen whether such a run began after its upstream had ended.
#[test]
fn a_run_missing_from_every_record_is_not_repeated_after_a_loss() {
    let mut hosts: Vec<Host> = (0..50).filter_map(ran_unrecorded).collect();
    assert!(hosts.len() > 5, "{} of 50", hosts.len());
    for host in &mut hosts {
        host.lose();
        host.run_for(MINUTE_MS);
        let runs = made(host);
        assert_eq!(
            runs.split(' ').filter(|stack| *stack == "db").count(),
            1,
            "{runs}"
        );
        assert!(host.records[&host.only_chain()].is_over());
        host.keeps_the_laws();
    }
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
fn a_broken_state_sets_one_cause_aside() {
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
            "{text}: the other chain continues"
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
fn an_end_reported_twice_starts_nothing() {
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
        host.deliver(Event::RunEnded {
            stack: id("vpc"),
            run: run.clone(),
        });
        host.hour();
        assert_eq!(made(&host), "db", "after a loss: {lose}");
    }
}

#[test]
fn ends_and_runs_of_ours_are_remembered_for_an_hour() {
    let mut host = host("vpc; db: vpc");
    host.pushes("vpc");
    host.run_for(10 * MINUTE_MS);
    assert_eq!(made(&host), "db");
    for is_remembered in [true, false] {
        // An event lets the schedule decide.
        host.request("one", &id("elsewhere"));
        host.run_for(1_000);
        let saved = serde_json::to_value(&host.schedule).unwrap();
        let ends = saved["ends"].as_object().unwrap();
        let own_runs = saved["own_runs"].as_object().unwrap();
        assert_eq!(!ends.is_empty(), is_remembered, "{ends:?}");
        assert_eq!(!own_runs.is_empty(), is_remembered, "{own_runs:?}");
        host.hour();
        host.hour();
    }
}

#[test]
fn a_doubt_is_remembered_as_long_as_a_chain_needs_the_stack() {
    let mut host = host("vpc; db: vpc");
    host.faults.late_created = 1_000;
    host.pushes("vpc");
    while !host.has_ended("db") {
        host.run_for(1);
    }
    host.faults.late_created = 0;
    let chain = host.only_chain();
    host.control(&chain, Control::Pause);
    host.hour();
    host.hour();
    let saved = serde_json::to_value(&host.schedule).unwrap();
    assert!(saved["stacks"]["db"]["doubt"].is_object(), "{saved}");
    host.control(&chain, Control::Cancel);
    host.run_for(1_000);
    let saved = serde_json::to_value(&host.schedule).unwrap();
    assert!(saved["stacks"]["db"].is_null(), "{saved}");
}

#[test]
fn a_run_that_failed_and_is_retried_is_not_taken_up_after_a_loss() {
    let mut host = host_with(
        "vpc; db: vpc",
        settings(|settings| settings.chain.run_retries = 1),
    );
    host.world.step_ms = 10;
    host.fate("db", Fate::Fails);
    host.pushes("vpc");
    let has_failed = |host: &Host| {
        let mut records = host.records.values();
        records.any(|record| !record.stack(&id("db")).unwrap().failed_runs.is_empty())
    };
    while !has_failed(&host) {
        host.run_for(1);
    }
    host.lose();
    host.hour();
    assert_eq!(made(&host), "db db");
    assert_eq!(states(&host, &host.only_chain()), "db succeeded");
    host.keeps_the_laws();
}

#[test]
fn the_log_says_what_a_new_schedule_found() {
    let mut host = host("vpc; db: vpc");
    host.locks("db", true);
    host.pushes("vpc");
    host.run_for(5 * MINUTE_MS);
    let record = host.records[&host.only_chain()].clone();
    for (chains, clean, expected) in [
        (vec![], true, None),
        (vec![], false, Some(0)),
        (vec![record.clone()], true, Some(1)),
        (vec![record], false, Some(1)),
    ] {
        let mut schedule = Schedule::new(account(), ScheduleSettings::default());
        let rebuilt = Rebuilt {
            chains,
            clean,
            now_s: host.now_ms / 1000,
            ..Rebuilt::default()
        };
        schedule.apply(Event::Rebuilt(Box::new(rebuilt)), host.now_ms);
        let decisions = schedule.take_decisions();
        let found = decisions.iter().find_map(|decision| match decision {
            Decision::Rebuilt { chains } => Some(*chains),
            _ => None,
        });
        assert_eq!(found, expected, "clean: {clean}");
    }
}
