//! What the schedule reports about the account.

use std::num::NonZeroU32;
use std::slice;

use chain::attempt::{Hold, HoldKind};
use chain::schedule::Event;
use chain::{ChainId, Schedule};
use serde_json::{Value, json};

use super::{MINUTE_MS, host, host_with, made, settings, why};
use crate::account::id;
use crate::schedule::world::Fate;

#[test]
fn a_report_says_who_halted_the_account_and_why() {
    let mut host = host("db");
    assert_eq!(host.schedule.report(host.now_ms).halted(), None);
    for (reason, expected) in [(Some("incident 7"), "carol: incident 7"), (None, "carol")] {
        host.deliver(Event::Halted {
            by: "carol".to_owned(),
            reason: reason.map(str::to_owned),
        });
        assert_eq!(
            host.schedule.report(host.now_ms).halted().as_deref(),
            Some(expected)
        );
        host.deliver(Event::HaltGone);
    }
}

#[test]
fn a_report_has_the_planned_chains_and_the_others_and_since_when_they_are_open() {
    let mut host = host("a; b; a1: a; b1: b");
    for stack in ["a", "b", "a1"] {
        host.locks(stack, true);
    }
    let first = host.request("first", &id("a"));
    let first_s = host.now_ms / 1000;
    host.run_for(5 * MINUTE_MS);
    let second = host.request("second", &id("b"));
    let second_s = host.now_ms / 1000;
    let report = host.schedule.report(host.now_ms);
    assert_eq!(report.chains, slice::from_ref(&first));
    assert_eq!(report.unplanned, slice::from_ref(&second));
    host.run_for(5 * MINUTE_MS);
    let report = host.schedule.report(host.now_ms);
    assert_eq!(report.unplanned, []);
    assert_eq!(report.chains.len(), 2);
    let until = |at_s| report.begun_until(at_s).cloned().collect::<Vec<ChainId>>();
    assert_eq!(until(first_s - 1), []);
    assert_eq!(until(first_s), [first]);
    assert_eq!(until(second_s - 1).len(), 1);
    assert!(until(second_s).contains(&second));
    assert_eq!(report.stacks.len(), 2);
    assert_eq!(host.schedule.stacks_in_report(), 2);
    let waiting = &host.schedule.waiting()[0];
    assert_eq!(waiting.since().as_millisecond(), waiting.since_ms);
}

#[test]
fn a_stack_that_is_not_ready_waits_for_an_upstream_that_is_not_over() {
    let mut host = host("vpc; a: vpc; b: vpc; c: vpc; app: a b c");
    host.locks("b", true);
    host.pushes("vpc");
    host.run_for(10 * MINUTE_MS);
    assert_eq!(made(&host).split(' ').count(), 2);
    assert_eq!(why(&host, "app"), "waits for `b`");
}

#[test]
fn a_hold_says_why_until_the_stack_is_tried_again() {
    let mut host = host("db");
    host.locks("db", true);
    host.request("one", &id("db"));
    host.run_for(5 * MINUTE_MS);
    let again_ms = host.schedule.next_wake_ms().unwrap();
    let why = |now_ms| host.schedule.stack_report(&id("db"), now_ms).why;
    assert_eq!(why(again_ms - 1), "the stack is locked by alice");
    assert_ne!(why(again_ms), "the stack is locked by alice");
}

#[test]
fn a_stack_says_until_when_it_waits_for_others_and_then_that_it_waits_for_a_slot() {
    let one = settings(|settings| settings.parallel_runs_of_account = NonZeroU32::MIN);
    let mut host = host_with("a; far; mid: far; app: a mid; x", one);
    host.fate("x", Fate::Slow);
    host.request("x", &id("x"));
    host.run_for(5 * MINUTE_MS);
    host.fate("far", Fate::Slow);
    host.pushes("a far");
    host.run_for(5 * MINUTE_MS);
    let report = |now_ms| host.schedule.stack_report(&id("app"), now_ms);
    let until_ms = report(host.now_ms).ready_since_ms.unwrap() + 10 * MINUTE_MS;
    let until = jiff::Timestamp::from_millisecond(until_ms).unwrap();
    let until = until.strftime("%H:%M:%SZ");
    assert_eq!(
        report(until_ms - 7_000).why,
        format!("waits for `far`, so that one run serves several chains; until {until} at the latest")
    );
    assert!(report(until_ms).why.starts_with("waits for a free slot"));
    assert!(
        report(until_ms + MINUTE_MS)
            .why
            .starts_with("waits for a free slot")
    );
}

#[test]
fn a_schedule_is_idle_if_nothing_is_open() {
    let mut busy = host("vpc; db: vpc");
    let idle = serde_json::to_value(&busy.schedule).unwrap();
    busy.request("one", &id("db"));
    let busy = serde_json::to_value(&busy.schedule).unwrap();
    let is_idle = |field: &str, value: Value| {
        let mut saved = idle.clone();
        saved[field] = value;
        serde_json::from_value::<Schedule>(saved).unwrap().is_idle()
    };
    assert!(is_idle("rebuilt", json!(true)));
    assert!(is_idle("stacks", json!({"db": {"ready_since_ms": 7}})));
    let settled = json!({"since_ms": 7, "causes": [], "settled_ms": 8});
    assert!(is_idle("stacks", json!({"db": {"doubt": settled}})));
    let hold = Hold::new(HoldKind::Conflict, "another one".to_owned());
    for (field, value) in [
        ("rebuilt", json!(false)),
        ("causes", busy["causes"].clone()),
        ("listing_below", json!(1)),
        ("untold", json!({"chain:acme:1": [{"what": "over", "at_ms": 7}]})),
        ("halted_by", json!("carol")),
        ("conflict", json!({"hold": hold, "until_ms": 7})),
        ("unclaimed", json!(["01R"])),
        ("stacks", json!({"db": {"attempt": []}})),
        ("stacks", json!({"db": {"doubt": {"since_ms": 7, "causes": []}}})),
    ] {
        assert!(!is_idle(field, value.clone()), "{field}: {value}");
    }
}
