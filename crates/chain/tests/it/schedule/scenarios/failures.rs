//! Failures, repairs, and what does not count as a failure.

use std::num::NonZeroU32;

use chain::OnFailure;
use chain::schedule::{Control, Event};

use super::{MINUTE_MS, host, host_with, made, run_of, settings, states, tried, why};
use crate::account::id;
use crate::schedule::world::Fate;

#[test]
fn an_outage_of_a_minute_fails_nothing() {
    let mut host = host("vpc; db: vpc; app: db");
    host.pushes("vpc");
    host.trouble_until_ms = host.now_ms + 140_000;
    host.run_for(80_000);
    assert!(why(&host, "db").contains("503"), "{}", why(&host, "db"));
    host.hour();
    assert_eq!(made(&host), "db app");
    host.keeps_the_laws();
}

#[test]
fn the_stack_fails_after_the_trigger_patience() {
    let mut host = host("vpc; db: vpc; app: db");
    host.trouble_until_ms = i64::MAX;
    host.pushes("vpc");
    host.run_for(115 * MINUTE_MS);
    let chain = host.only_chain();
    assert_eq!(states(&host, &chain), "db waiting, app waiting");
    host.run_for(15 * MINUTE_MS);
    assert_eq!(states(&host, &chain), "db failed, app skipped");
}

#[test]
fn failure_policies() {
    for (policy, expected) in [
        (
            OnFailure::SkipDownstream,
            "a failed, b succeeded, a2 skipped, b2 succeeded",
        ),
        (OnFailure::Stop, "a failed, b skipped, a2 skipped, b2 skipped"),
        (
            OnFailure::Continue,
            "a failed, b succeeded, a2 succeeded, b2 succeeded",
        ),
    ] {
        let policy = settings(|settings| {
            settings.chain.on_failure = policy;
            settings.chain.parallel_runs = NonZeroU32::MIN;
        });
        let mut host = host_with("vpc; a: vpc; b: vpc; a2: a; b2: b", policy);
        host.fate("a", Fate::Fails);
        host.pushes("vpc");
        host.hour();
        assert_eq!(states(&host, &host.only_chain()), expected);
    }
}

#[test]
fn a_repaired_failure_makes_skipped_stacks_due_again() {
    let mut host = host("vpc; a: vpc; slow: vpc; a2: a; end: a2 slow");
    host.fate("a", Fate::Fails);
    host.fate("slow", Fate::Slow);
    host.pushes("vpc");
    host.run_for(8 * MINUTE_MS);
    let chain = host.only_chain();
    assert_eq!(
        states(&host, &chain),
        "a failed, a2 skipped, slow running, end skipped"
    );
    host.world.person(&id("a"), 0, host.now_ms);
    host.hour();
    host.hour();
    assert_eq!(
        states(&host, &chain),
        "a succeeded, a2 succeeded, slow succeeded, end succeeded"
    );
    host.keeps_the_laws();
}

#[test]
fn a_repair_waits_for_another_chain_with_the_same_stack() {
    let mut host = host("a; b; x: a; slow: a; join: x b");
    host.fate("x", Fate::Fails);
    host.fate("slow", Fate::Slow);
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    host.world.person(&id("x"), 0, host.now_ms);
    host.pushes("b");
    host.hour();
    assert_eq!(made(&host), "slow x join", "one run of `join` does for all");
    host.hour();
    host.keeps_the_laws();
}

#[test]
fn only_a_complete_run_that_ended_well_repairs() {
    for (fate, is_partial) in [(Fate::Fails, false), (Fate::Well, true)] {
        let mut host = host("a; x: a; slow: a; join: x");
        host.fate("x", Fate::Fails);
        host.fate("slow", Fate::Slow);
        host.pushes("a");
        host.run_for(5 * MINUTE_MS);
        let chain = host.only_chain();
        let failed = "x failed, join skipped, slow running";
        assert_eq!(states(&host, &chain), failed);
        host.fate("x", fate);
        host.world.person(&id("x"), 0, host.now_ms);
        let run = run_of(&host, "x");
        host.world.runs[run].facts.partial = is_partial;
        host.run_for(5 * MINUTE_MS);
        assert!(host.world.runs[run].is_over());
        assert_eq!(states(&host, &chain), failed, "{fate:?}, partial: {is_partial}");
    }
}

#[test]
fn a_run_of_somebody_else_that_is_cancelled_fails_nothing() {
    let mut host = host("db");
    host.locks("db", true);
    host.request("one", &id("db"));
    host.run_for(5 * MINUTE_MS);
    host.locks("db", false);
    host.world.person(&id("db"), 0, host.now_ms);
    host.locks("db", true);
    host.run_for(10 * MINUTE_MS);
    let chain = host.only_chain();
    assert_eq!(
        states(&host, &chain),
        "db running",
        "it waits for the person's run"
    );
    host.confirms("db", false);
    host.locks("db", false);
    host.hour();
    assert_eq!(
        (made(&host).as_str(), states(&host, &chain).as_str()),
        ("db", "db succeeded")
    );
    host.keeps_the_laws();
}

#[test]
fn a_run_without_changes_ends_the_stack_and_blocks_nothing() {
    let mut host = host("vpc; db: vpc; app: db");
    host.fate("db", Fate::Skipped);
    host.pushes("vpc");
    host.hour();
    assert_eq!(states(&host, &host.only_chain()), "db skipped, app succeeded");
    host.keeps_the_laws();
}

#[test]
fn a_stack_that_cannot_be_read_is_not_done() {
    let mut host = host("vpc; db: vpc; app: vpc db");
    let labels = &mut host.world.stacks.get_mut(&id("db")).unwrap().facts.labels;
    labels.push("dependsOn:nowhere".to_owned());
    host.pushes("vpc");
    host.hour();
    assert_eq!(made(&host), "");
    assert_eq!(states(&host, &host.only_chain()), "db skipped, app skipped");
}

#[test]
fn a_disabled_stack_is_left_out_even_if_disabled_later() {
    let mut host = host("vpc; db: vpc; app: db");
    host.locks("db", true);
    host.pushes("vpc");
    host.run_for(5 * MINUTE_MS);
    host.world.disable(&id("db"), true);
    host.hour();
    assert_eq!(states(&host, &host.only_chain()), "db skipped, app succeeded");
    host.keeps_the_laws();
}

/// The stack is not forgotten in between, because a person's run of it is open.
#[test]
fn refusals_for_a_cancelled_chain_do_not_count_for_the_next_one() {
    let mut host = host_with("vpc; a: vpc", settings(|settings| settings.trigger_attempts = 2));
    host.fate("a", Fate::Unconfirmed);
    host.world.person(&id("a"), 0, host.now_ms);
    host.run_for(5 * MINUTE_MS);
    host.faults.refused = 1_000;
    host.pushes("vpc");
    while !host.has_answer("a") {
        host.run_for(10);
    }
    let first = host.only_chain();
    host.control(&first, Control::Cancel);
    host.run_for(10 * MINUTE_MS);
    host.pushes("vpc");
    host.hour();
    assert_eq!(tried(&host), "a a a");
    let second = host.records.keys().find(|chain| **chain != first).unwrap();
    assert_eq!(states(&host, second), "a failed");
    host.keeps_the_laws();
}

/// `b` is skipped as soon as the chain is planned, and `c` still comes after `a`.
#[test]
fn a_skipped_stack_does_not_end_the_wait_for_what_is_upstream_of_it() {
    let mut host = host("vpc; a: vpc; b: a missing; c: vpc");
    host.world.depend_natively(&id("c"), &id("b"), true);
    host.locks("a", true);
    host.pushes("vpc");
    host.run_for(20 * MINUTE_MS);
    assert_eq!(made(&host), "");
    host.locks("a", false);
    host.hour();
    assert_eq!(made(&host), "a c");
    let states = states(&host, &host.only_chain());
    assert_eq!(states, "a succeeded, b skipped, c succeeded");
    host.keeps_the_laws();
}

#[test]
fn a_native_dependency_delays_a_stack_but_does_not_fail_it() {
    let mut host = host("vpc; a: vpc; b: vpc");
    let native = vec![id("a")];
    host.world
        .stacks
        .get_mut(&id("b"))
        .unwrap()
        .facts
        .native_dependencies = native;
    host.fate("a", Fate::Fails);
    host.pushes("vpc");
    host.hour();
    assert_eq!(made(&host), "a b");
    assert_eq!(states(&host, &host.only_chain()), "a failed, b succeeded");
    host.keeps_the_laws();
}

/// `f` waits for `u` by a dependency of Spacelift's, so that it runs although `u` is skipped.
#[test]
fn a_repair_revives_its_dependents_while_an_upstream_is_due_again() {
    for is_by_hand in [false, true] {
        let mut host = host("vpc; x: vpc; u: x; f: vpc; d: f; slow: vpc");
        let f = host.world.stacks.get_mut(&id("f")).unwrap();
        f.facts.native_dependencies = vec![id("u")];
        host.fate("x", Fate::Fails);
        host.fate("f", Fate::Fails);
        host.fate("slow", Fate::Slow);
        host.pushes("vpc");
        host.run_for(20 * MINUTE_MS);
        let chain = host.only_chain();
        assert_eq!(
            states(&host, &chain),
            "x failed, u skipped, f failed, d skipped, slow running"
        );
        host.fate("u", Fate::Unconfirmed);
        host.world.person(&id("x"), 0, host.now_ms);
        host.run_for(5 * MINUTE_MS);
        assert!(states(&host, &chain).starts_with("x succeeded, u running"));
        if is_by_hand {
            host.deliver(Event::DoneByHand {
                stack: id("f"),
                by: "carol".to_owned(),
                reason: None,
            });
        } else {
            host.world.person(&id("f"), 0, host.now_ms);
        }
        host.run_for(5 * MINUTE_MS);
        assert_eq!(
            states(&host, &chain),
            "x succeeded, u running, f succeeded, d waiting, slow running"
        );
        host.confirms("u", true);
        host.hour();
        host.hour();
        assert_eq!(
            states(&host, &chain),
            "x succeeded, u succeeded, f succeeded, d succeeded, slow succeeded",
            "by hand: {is_by_hand}"
        );
        host.keeps_the_laws();
    }
}

/// Time in which nothing was tried does not count.
#[test]
fn a_stack_is_tried_again_after_halts_that_were_longer_than_the_patience() {
    let mut host = host("vpc; a: vpc");
    host.pushes("vpc");
    host.trouble_until_ms = host.now_ms + 10 * MINUTE_MS;
    while host.records.is_empty() {
        host.run_for(1_000);
    }
    let chain = host.only_chain();
    for minutes in [180, 50, 50, 50] {
        host.run_for(5 * MINUTE_MS);
        host.halt(true);
        host.run_for(minutes * MINUTE_MS);
        host.trouble_until_ms = host.now_ms + 10 * MINUTE_MS;
        host.halt(false);
        host.run_for(5 * MINUTE_MS);
        assert_eq!(states(&host, &chain), "a waiting");
    }
    host.hour();
    assert_eq!(states(&host, &chain), "a succeeded");
    // What is tried all the time fails in the end.
    host.trouble_until_ms = host.now_ms + 180 * MINUTE_MS;
    let again = host.request("again", &id("a"));
    host.run_for(140 * MINUTE_MS);
    assert_eq!(states(&host, &again), "a failed");
    host.keeps_the_laws();
}

#[test]
fn a_run_that_began_before_the_upstream_had_ended_repairs_nothing() {
    let mut host = host("vpc; db: vpc; app: db; web: vpc");
    host.world.step_ms = 10;
    host.fate("db", Fate::Unconfirmed);
    host.world.person(&id("db"), 0, host.now_ms);
    host.run_for(100);
    // The upstream ends within the same second.
    host.fate("web", Fate::Unconfirmed);
    host.pushes("vpc");
    host.faults.refused = 1_000;
    host.locks("web", true);
    host.run_for(10 * MINUTE_MS);
    host.faults.refused = 0;
    let chain = host.only_chain();
    assert_eq!(states(&host, &chain), "db failed, app skipped, web waiting");
    host.confirms("db", true);
    host.run_for(MINUTE_MS);
    assert_eq!(states(&host, &chain), "db failed, app skipped, web waiting");
    // A later run does.
    host.world.person(&id("db"), 0, host.now_ms);
    host.locks("web", false);
    host.hour();
    host.confirms("web", true);
    host.hour();
    assert_eq!(
        states(&host, &chain),
        "db succeeded, app succeeded, web succeeded"
    );
    host.keeps_the_laws();
}
