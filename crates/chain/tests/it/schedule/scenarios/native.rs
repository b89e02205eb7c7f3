//! Failures and repairs upstream of stacks that Spacelift itself runs after others, and of stacks that a chain leaves out.

use chain::record::{Outcome, StackChange};
use chain::{Change, Reason, ReasonCode};

use super::{MINUTE_MS, host, made, run_of, states};
use crate::account::id;
use crate::schedule::host::Host;
use crate::schedule::world::{By, Fate};

/// A chain of `vpc` in which `c` waits for `b` because of Spacelift's own dependency.
fn with_native(stacks: &str) -> Host {
    let mut host = host(stacks);
    host.world.depend_natively(&id("c"), &id("b"), true);
    host
}

#[test]
fn a_stack_continues_natively_after_one_that_a_failure_skipped() {
    let mut host = with_native("vpc; a: vpc; b: a; c: vpc");
    host.fate("a", Fate::Fails);
    host.pushes("vpc");
    host.hour();
    let states = states(&host, &host.only_chain());
    assert_eq!(states, "a failed, b skipped, c succeeded");
    host.keeps_the_laws();
}

#[test]
fn it_still_waits_for_what_is_upstream_of_the_skipped_one() {
    let mut host = with_native("vpc; a: vpc; slow: vpc; b: a slow; c: vpc");
    host.fate("a", Fate::Fails);
    host.fate("slow", Fate::Slow);
    host.pushes("vpc");
    host.run_for(30 * MINUTE_MS);
    assert_eq!(
        states(&host, &host.only_chain()),
        "a failed, slow running, b skipped, c waiting"
    );
    host.hour();
    assert_eq!(made(&host).split(' ').next_back(), Some("c"));
    host.keeps_the_laws();
}

/// The record has the failure of `a`, and not what followed from it.
#[test]
fn it_continues_also_if_the_schedule_is_lost_after_the_failure() {
    let mut host = with_native("vpc; a: vpc; b: a; c: vpc");
    host.locks("a", true);
    host.pushes("vpc");
    host.run_for(10 * MINUTE_MS);
    let chain = host.only_chain();
    assert_eq!(states(&host, &chain), "a waiting, b waiting, c waiting");
    let failed = Change::Stack {
        stack: id("a"),
        change: StackChange::Ended {
            outcome: Outcome::Failed {
                reason: Reason::new(ReasonCode::RunFailed, "its run ended as FAILED"),
            },
            run: None,
            commit: None,
            ended_at_s: None,
            by_hand: None,
        },
        at_ms: host.now_ms,
    };
    host.records.get_mut(&chain).unwrap().apply(&failed);
    host.lose();
    host.hour();
    assert_eq!(states(&host, &chain), "a failed, b skipped, c succeeded");
}

#[test]
fn it_waits_again_once_the_failure_is_repaired() {
    let mut host = with_native("vpc; a: vpc; b: a; c: vpc");
    host.fate("a", Fate::Fails);
    host.locks("c", true);
    host.pushes("vpc");
    host.run_for(10 * MINUTE_MS);
    let chain = host.only_chain();
    assert_eq!(states(&host, &chain), "a failed, b skipped, c waiting");
    host.fate("b", Fate::Unconfirmed);
    host.world.person(&id("a"), 0, host.now_ms);
    host.run_for(10 * MINUTE_MS);
    host.locks("c", false);
    host.run_for(30 * MINUTE_MS);
    assert_eq!(states(&host, &chain), "a succeeded, b running, c waiting");
    host.confirms("b", true);
    host.hour();
    assert_eq!(states(&host, &chain), "a succeeded, b succeeded, c succeeded");
    host.keeps_the_laws();
}

/// `left` is disabled when the chain is planned, so it is left out.
#[test]
fn a_repair_passes_stacks_that_are_left_out_unless_another_upstream_failed() {
    for (fails_too, expected) in [(false, "app succeeded"), (true, "app skipped")] {
        let mut host = host("vpc; a: vpc; b: vpc; slow: vpc; left: a b; app: left");
        host.world.disable(&id("left"), true);
        host.fate("a", Fate::Fails);
        host.fate("b", if fails_too { Fate::Fails } else { Fate::Well });
        host.fate("slow", Fate::Slow);
        host.pushes("vpc");
        host.run_for(10 * MINUTE_MS);
        let chain = host.only_chain();
        assert!(states(&host, &chain).contains("app skipped"));
        host.world.person(&id("a"), 0, host.now_ms);
        host.run_for(10 * MINUTE_MS);
        assert!(states(&host, &chain).contains("a succeeded"));
        host.hour();
        let states = states(&host, &chain);
        assert!(states.contains(expected), "{states}");
        host.keeps_the_laws();
    }
}

#[test]
fn a_retry_waits_for_what_is_due_again_upstream() {
    let mut host = with_native("vpc; a: vpc; b: a; c: vpc");
    host.labels("c", "spillway:retries=1");
    host.fate("a", Fate::Fails);
    host.fate("b", Fate::Unconfirmed);
    host.fate("c", Fate::Fails);
    host.pushes("vpc");
    while made(&host) != "a" || !host.world.runs[run_of(&host, "a")].is_over() {
        host.run_for(1);
    }
    let chain = host.only_chain();
    // The first step of `c` takes longer than the repair.
    host.world.step_ms = 600_000;
    while made(&host) != "a c" {
        host.run_for(1);
    }
    host.world.step_ms = 10;
    host.world.person(&id("a"), 0, host.now_ms);
    host.run_for(2 * MINUTE_MS);
    assert_eq!(states(&host, &chain), "a succeeded, b running, c running");
    host.run_for(20 * MINUTE_MS);
    assert_eq!(states(&host, &chain), "a succeeded, b running, c waiting");
    host.confirms("b", true);
    host.hour();
    assert_eq!(states(&host, &chain), "a succeeded, b succeeded, c succeeded");
    assert_eq!(made(&host), "a c b c");
    host.keeps_the_laws();
}

/// `c` fails since Spacelift refuses to run it, and a run of a person ends only after `b`, which `c` waits for natively.
#[test]
fn what_ends_upstream_does_not_change_which_runs_repair_a_failure() {
    for (is_before_the_failure, expected) in [(true, "c failed"), (false, "c succeeded")] {
        let mut host = with_native("vpc; a: vpc; b: a; c: vpc; slow: vpc");
        host.fate("a", Fate::Fails);
        host.fate("c", Fate::Unconfirmed);
        host.fate("slow", Fate::Slow);
        host.request("one", &id("vpc"));
        while made(&host).split(' ').count() < 3 {
            host.run_for(1);
        }
        host.faults.refused = 1_000;
        host.world.step_ms = 10;
        if is_before_the_failure {
            host.world.person(&id("c"), 0, host.now_ms);
        }
        host.run_for(2 * MINUTE_MS);
        host.faults.refused = 0;
        let chain = host.only_chain();
        let failed = "vpc succeeded, a failed, b skipped, c failed, slow running";
        assert_eq!(states(&host, &chain), failed);
        if !is_before_the_failure {
            host.world.person(&id("c"), 0, host.now_ms);
            host.run_for(MINUTE_MS);
        }
        // Spacelift itself does not run it after `b`.
        host.locks("c", true);
        host.world.person(&id("a"), 0, host.now_ms);
        host.run_for(5 * MINUTE_MS);
        let repaired = "vpc succeeded, a succeeded, b succeeded, c failed, slow running";
        assert_eq!(states(&host, &chain), repaired);
        host.confirms("c", true);
        host.run_for(5 * MINUTE_MS);
        let run = &host.world.runs[run_of(&host, "c")];
        assert_eq!((run.by, run.is_over()), (By::Person, true));
        assert!(
            states(&host, &chain).contains(expected),
            "{}",
            states(&host, &chain)
        );
    }
}
