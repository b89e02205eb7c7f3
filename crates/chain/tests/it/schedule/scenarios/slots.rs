//! How many runs are active at once, and which come first.

use std::num::NonZeroU32;

use chain::RunState;
use chain::schedule::Event;

use super::{MINUTE_MS, host_with, made, run_of, settings, tried, why};
use crate::account::id;
use crate::schedule::world::Fate;

#[test]
fn a_chain_has_a_limit_of_slots() {
    let two = settings(|settings| settings.chain.parallel_runs = NonZeroU32::new(2).unwrap());
    let mut host = host_with("vpc; a: vpc; b: vpc; c: vpc; c2: c; c3: c2; b2: b", two);
    host.world.step_ms = 1;
    for stack in ["a", "b", "c"] {
        host.fate(stack, Fate::Stays);
    }
    host.pushes("vpc");
    host.run_for(5 * MINUTE_MS);
    assert_eq!(tried(&host), "c b", "the longest way to the end goes first");
    let run = host.world.runs[run_of(&host, "c")].facts.clone();
    assert_eq!(run.state, RunState::Ready);
    let stack = id("c");
    host.deliver(Event::RunMoved { stack, run });
    host.run_for(15 * MINUTE_MS);
    assert_eq!(
        tried(&host),
        "c b a",
        "what no worker takes within 15 minutes takes no slot"
    );
}

#[test]
fn an_account_has_a_limit_of_slots() {
    let two = settings(|settings| settings.parallel_runs_of_account = NonZeroU32::new(2).unwrap());
    let mut host = host_with("x; y; x1: x; x2: x; y1: y; y2: y", two);
    for stack in ["x1", "x2", "y1", "y2"] {
        host.fate(stack, Fate::Slow);
    }
    host.pushes("x y");
    host.run_for(30 * MINUTE_MS);
    assert_eq!(made(&host).split(' ').count(), 2);
    host.hour();
    host.hour();
    host.keeps_the_laws();
}

#[test]
fn a_run_that_waits_for_a_person_takes_no_slot() {
    let one = settings(|settings| settings.chain.parallel_runs = NonZeroU32::MIN);
    let mut host = host_with("vpc; a: vpc; b: vpc", one);
    host.fate("a", Fate::Unconfirmed);
    host.pushes("vpc");
    host.run_for(10 * MINUTE_MS);
    assert_eq!(made(&host), "a b");
    assert_eq!(why(&host, "a"), "its run 01R000001 waits for a person");
}

#[test]
fn the_oldest_cause_goes_first() {
    let one = settings(|settings| {
        settings.chain.parallel_runs = NonZeroU32::MIN;
        settings.parallel_runs_of_account = NonZeroU32::MIN;
    });
    let mut host = host_with("vpc; a: vpc; b: vpc; b2: b; late; c: late; c2: c; c3: c2", one);
    host.fate("b", Fate::Slow);
    host.pushes("vpc");
    host.run_for(20 * MINUTE_MS);
    host.pushes("late");
    host.hour();
    host.hour();
    let order = made(&host);
    assert!(
        order.starts_with("b a"),
        "`a` waited for longer than 15 minutes: {order}"
    );
}

#[test]
fn a_run_of_somebody_else_takes_no_slot() {
    let one = settings(|settings| settings.parallel_runs_of_account = NonZeroU32::MIN);
    let mut host = host_with("db; x", one);
    host.fate("db", Fate::Slow);
    host.world.person(&id("db"), 0, host.now_ms);
    host.request("one", &id("db"));
    host.run_for(10 * MINUTE_MS);
    assert!(why(&host, "db").starts_with("its run"), "{}", why(&host, "db"));
    host.request("two", &id("x"));
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "x");
}
