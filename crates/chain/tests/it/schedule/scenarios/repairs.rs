//! Differences between Temporal and the schedule about what is open.

use std::collections::{BTreeMap, BTreeSet};

use chain::schedule::{Control, Differences, Event, ScheduleReport, StackReport};
use chain::{ChainId, Confirm, RunFacts, RunState, Schedule, StackId};
use serde_json::{Value, json};

use super::{MINUTE_MS, host, host_with, made, run_of, settings, states, tried};
use crate::account::id;
use crate::schedule::host::Host;
use crate::schedule::world::{By, Fate};

fn chains(text: &str) -> BTreeSet<ChainId> {
    text.split_whitespace().map(ChainId::of_workflow).collect()
}

fn stacks(text: &str) -> BTreeSet<StackId> {
    text.split_whitespace().map(id).collect()
}

/// The schedule knows these chains and waits for attempts at these stacks.
fn report(known: &str, attempted: &str) -> ScheduleReport {
    let stack = |stack| StackReport {
        attempted: true,
        ..StackReport::idle(stack)
    };
    ScheduleReport {
        halted_by: None,
        halt_reason: None,
        conflict: None,
        rebuilt: true,
        chains: chains(known).into_iter().collect(),
        unplanned: Vec::new(),
        stacks: stacks(attempted).into_iter().map(stack).collect(),
        waiting: Vec::new(),
        begun_s: BTreeMap::new(),
    }
}

/// What the schedule knows and what is open, chains before the bar and attempts after it, and the differences.
#[track_caller]
fn check(known: &str, open: &str, expected: [&str; 3]) {
    let (known, attempted) = known.split_once('|').unwrap();
    let (open_chains, open_attempts) = open.split_once('|').unwrap();
    let found = Differences::between(
        &report(known, attempted),
        &chains(open_chains),
        &stacks(open_attempts),
        false,
    );
    let [unknown_chains, unknown_attempts, lost_attempts] = expected;
    let expected = Differences {
        unknown_chains: chains(unknown_chains),
        unknown_attempts: stacks(unknown_attempts),
        lost_attempts: stacks(lost_attempts),
        lost_halt: false,
    };
    assert_eq!(found, expected, "{known} | {attempted}, and open: {open}");
}

#[test]
fn differences_are_found() {
    check("|", "|", ["", "", ""]);
    check("a b|db", "a b|db", ["", "", ""]);
    check("a|", "a b|", ["b", "", ""]);
    // If a chain that the schedule knows is not open, the schedule learns that from the next update of the record.
    check("a b|", "a|", ["", "", ""]);
    check("|db", "|app", ["", "app", "db"]);
}

#[test]
fn a_halt_that_is_over_is_found() {
    let halted = ScheduleReport {
        halted_by: Some("alice".to_owned()),
        ..report("a", "")
    };
    let look = |is_halted| Differences::between(&halted, &chains("a"), &stacks(""), is_halted);
    assert!(!look(true).lost_halt);
    assert!(look(false).lost_halt);
    assert!(!look(false).and(&look(true)).lost_halt);
}

#[test]
fn before_the_open_workflows_are_known_nothing_differs() {
    let rebuilding = ScheduleReport {
        rebuilt: false,
        ..report("", "db")
    };
    let found = Differences::between(&rebuilding, &chains("a"), &stacks("app"), false);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn only_a_difference_seen_twice_is_repaired() {
    let look = |open: &str, attempts: &str| {
        Differences::between(&report("a", "db"), &chains(open), &stacks(attempts), false)
    };
    let first = look("a b c", "db app");
    let both = first.and(&look("a c d", "app"));
    assert_eq!(both.unknown_chains, chains("c"));
    assert_eq!(both.unknown_attempts, stacks("app"));
    assert!(both.lost_attempts.is_empty());
    assert!(!both.is_empty() && first.and(&look("a", "db")).is_empty());
    assert_eq!(look("a", "").and(&look("a", "app")).lost_attempts, stacks("db"));
}

/// The schedule is as after a rebuild that missed its first chain. `change` makes its stacks fit.
fn forget_first_cause(host: &mut Host, change: impl FnOnce(&mut Value)) {
    let mut saved = serde_json::to_value(&host.schedule).unwrap();
    saved["causes"].as_object_mut().unwrap().remove("0").unwrap();
    change(&mut saved["stacks"]);
    saved["knows_since_s"] = (host.now_ms / 1000).into();
    host.schedule = serde_json::from_value::<Schedule>(saved).unwrap();
}

fn forget_all_stacks(stacks: &mut Value) {
    *stacks = json!({});
}

/// What the sweep reports of a chain.
fn found(host: &Host, chain: &ChainId) -> Event {
    let record = Box::new(host.records[chain].clone());
    let runs = host.world.runs.iter();
    let runs: Vec<(StackId, RunFacts)> = runs.map(|run| (run.stack.clone(), run.facts.clone())).collect();
    Event::ChainFound { record, runs }
}

fn find(host: &mut Host, chain: &ChainId) {
    let found = found(host, chain);
    host.deliver(found);
}

#[test]
fn a_chain_forgotten_while_waiting_continues() {
    let mut host = host("a; db: a; app: db");
    host.locks("db", true);
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    let chain = host.only_chain();
    forget_first_cause(&mut host, forget_all_stacks);
    host.locks("db", false);
    host.hour();
    assert_eq!(made(&host), "", "the schedule does not know it");
    find(&mut host, &chain);
    host.hour();
    assert_eq!(made(&host), "db app");
    assert_eq!(states(&host, &chain), "db succeeded, app succeeded");
    // Known chains and attempts are not reported.
    find(&mut host, &chain);
    host.hour();
    assert_eq!(made(&host), "db app");
}

/// The chain records the orders. The schedule does not know the chain when it gets them.
#[test]
fn orders_given_while_a_chain_is_found_count_once_it_is_reported_again() {
    for (before, order, expected) in [
        (None, Control::Pause, "db waiting"),
        (Some(Control::Pause), Control::Resume, "db succeeded"),
        (None, Control::Approve, "db succeeded"),
        (None, Control::Cancel, "db skipped"),
        (None, Control::CancelAndStopRuns, "db skipped"),
    ] {
        let asks = order == Control::Approve;
        let settings = settings(|settings| {
            if asks {
                settings.chain.confirm = Confirm::Chain;
            }
        });
        let mut host = host_with("a; db: a", settings);
        host.locks("db", true);
        host.pushes("a");
        host.run_for(5 * MINUTE_MS);
        let chain = host.only_chain();
        if let Some(before) = before {
            host.control(&chain, before);
        }
        forget_first_cause(&mut host, forget_all_stacks);
        find(&mut host, &chain);
        assert!(host.record_control(&chain, order));
        find(&mut host, &chain);
        host.locks("db", false);
        host.hour();
        assert_eq!(states(&host, &chain), expected, "{order:?}");
        assert_eq!(made(&host).is_empty(), expected != "db succeeded", "{order:?}");
    }
}

#[test]
fn a_chain_forgotten_during_a_run_learns_how_the_run_ended() {
    for ends_before_it_is_found in [false, true] {
        let mut host = host("a; db: a; app: db");
        host.fate("db", Fate::Unconfirmed);
        host.pushes("a");
        host.run_for(5 * MINUTE_MS);
        let chain = host.only_chain();
        assert_eq!(states(&host, &chain), "db running, app waiting");
        forget_first_cause(&mut host, forget_all_stacks);
        if ends_before_it_is_found {
            host.confirms("db", true);
            host.run_for(5 * MINUTE_MS);
            assert_eq!(
                host.world.runs[run_of(&host, "db")].facts.state,
                RunState::Finished
            );
            find(&mut host, &chain);
        } else {
            find(&mut host, &chain);
            host.confirms("db", true);
        }
        host.hour();
        assert_eq!(made(&host), "db app", "{ends_before_it_is_found}");
        assert_eq!(states(&host, &chain), "db succeeded, app succeeded");
    }
}

/// The sweep read the runs of the chain before one of them ended.
#[test]
fn a_chain_is_found_with_a_run_that_has_ended_meanwhile() {
    let mut host = host("a; db: a; app: db");
    host.fate("db", Fate::Unconfirmed);
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    let chain = host.only_chain();
    let found = found(&host, &chain);
    forget_first_cause(&mut host, forget_all_stacks);
    host.confirms("db", true);
    host.run_for(5 * MINUTE_MS);
    host.deliver(found);
    host.hour();
    assert_eq!(made(&host), "db app");
    assert_eq!(states(&host, &chain), "db succeeded, app succeeded");
}

#[test]
fn a_forgotten_chain_shares_the_run_of_another_again() {
    let mut host = host("a; b; app: a b");
    host.fate("app", Fate::Unconfirmed);
    host.pushes("a b");
    host.run_for(20 * MINUTE_MS);
    forget_first_cause(&mut host, |stacks| {
        let causes = &mut stacks["app"]["run"]["causes"];
        assert_eq!(*causes, json!([0, 1]));
        *causes = json!([1]);
    });
    let chains: Vec<ChainId> = host.records.keys().cloned().collect();
    assert_eq!(chains.len(), 2);
    for chain in &chains {
        find(&mut host, chain);
    }
    host.run_for(20 * MINUTE_MS);
    host.confirms("app", true);
    host.hour();
    assert_eq!((made(&host).as_str(), tried(&host).as_str()), ("app", "app"));
    for chain in &chains {
        assert_eq!(states(&host, chain), "app succeeded");
    }
}

#[test]
fn the_run_of_an_unknown_attempt_starts_no_chain() {
    for is_found in [false, true] {
        let mut host = host("a; db: a; app: db");
        host.pushes("a");
        host.hour();
        assert_eq!(made(&host), "db app");
        if is_found {
            host.deliver(Event::AttemptFound { stack: id("db") });
        }
        let run = host.world.create(&id("db"), By::Us, 1, host.now_ms);
        host.hour();
        if is_found {
            let run = host.world.runs[run].facts.clone();
            let outcome = chain::AttemptOutcome::Run {
                run,
                made: true,
                chains: Vec::new(),
                behind: false,
                chosen: None,
            };
            host.deliver(Event::Attempted {
                stack: id("db"),
                outcome,
            });
            host.hour();
        }
        let expected = if is_found { "db app db" } else { "db app db app" };
        assert_eq!(made(&host), expected);
    }
}
