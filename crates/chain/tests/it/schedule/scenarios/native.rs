//! Failures and repairs upstream of stacks that Spacelift itself runs after others, and of stacks that a chain leaves out.

use super::{MINUTE_MS, host, made, states};
use crate::account::id;
use crate::schedule::host::Host;
use crate::schedule::world::Fate;

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
