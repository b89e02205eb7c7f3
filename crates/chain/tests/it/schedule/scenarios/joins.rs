//! Causes share runs: what is waited for, and for how long.

use chain::RunState;
use chain::schedule::Event;

use super::{MINUTE_MS, host, made, run_of, why};
use crate::account::id;
use crate::schedule::host::Host;
use crate::schedule::world::{By, Fate};

impl Host {
    /// Goes on until the stack waits for another one of another chain.
    #[track_caller]
    fn until_it_joins(&mut self, stack: &str) {
        for _ in 0..600 {
            if why(self, stack).contains("so that one run serves several chains") {
                return;
            }
            self.run_for(1_000);
        }
        panic!("{}", why(self, stack));
    }
}

#[test]
fn one_push_to_two_roots_runs_the_join_once() {
    let mut host = host("r1; r2; apps: r1 r2; tail: apps");
    host.pushes("r1 r2");
    host.hour();
    assert_eq!(made(&host), "apps tail");
    host.keeps_the_laws();
}

#[test]
fn one_push_to_ten_roots_runs_the_join_once() {
    let roots: Vec<String> = (0..10).map(|n| format!("r{n}")).collect();
    let mut host = host(&format!(
        "{}; apps: {}; tail: apps",
        roots.join("; "),
        roots.join(" ")
    ));
    host.pushes(&roots.join(" "));
    host.hour();
    assert_eq!(made(&host), "apps tail");
    host.keeps_the_laws();
}

#[test]
fn an_older_commit_never_rolls_back_and_held_stacks_are_not_waited_for() {
    let mut host = host("a; b; apps: a b");
    host.fate("a", Fate::Unconfirmed);
    host.pushes("a");
    host.run_for(2 * MINUTE_MS);
    host.pushes("b");
    host.run_for(4 * MINUTE_MS);
    assert_eq!(made(&host), "apps", "`a` waits for a person");
    host.confirms("a", true);
    host.hour();
    assert_eq!(made(&host), "apps apps");
    let commits: Vec<u32> = host
        .world
        .runs
        .iter()
        .filter(|run| run.by == By::Us)
        .map(|run| run.commit)
        .collect();
    assert_eq!(commits, [2, 2]);
    host.keeps_the_laws();
}

#[test]
fn the_wait_for_others_ends_after_ten_minutes() {
    let mut host = host("a; b; mid: b; app: a mid");
    host.fate("b", Fate::Slow);
    host.pushes("a b");
    host.run_for(9 * MINUTE_MS);
    assert_eq!(made(&host), "");
    let waits = why(&host, "app");
    assert!(
        waits.starts_with("waits for `b`, so that one run serves several chains; until 22:"),
        "{waits}"
    );
    host.run_for(MINUTE_MS / 2);
    assert_eq!(why(&host, "app"), waits, "the end does not move");
    host.run_for(4 * MINUTE_MS);
    assert_eq!(made(&host), "app", "`b` is not directly upstream");
    host.hour();
    assert_eq!(made(&host), "app mid app");
    host.keeps_the_laws();
}

#[test]
fn an_apply_directly_upstream_is_waited_for_until_it_ends() {
    let mut host = host("a; b; app: a b");
    host.fate("b", Fate::Slow);
    host.pushes("a b");
    host.run_for(40 * MINUTE_MS);
    assert_eq!(made(&host), "", "a fresh look says that `b` applies");
    assert!(
        why(&host, "app").contains("of its dependency `"),
        "{}",
        why(&host, "app")
    );
    host.hour();
    assert_eq!(made(&host), "app");
    host.keeps_the_laws();
}

#[test]
fn what_follows_from_an_apply_that_was_waited_for_shares_the_run() {
    let mut host = host("a; b; app: a b");
    host.pushes("a");
    // The commit of `b` is newer, so a run for `a` alone would not serve its chain.
    host.fate("b", Fate::Slow);
    host.pushes("b");
    while !host.world.runs[run_of(&host, "b")].is_over() {
        assert_eq!(made(&host), "");
        host.run_for(1_000);
    }
    host.run_for(5_000);
    assert_eq!(made(&host), "app", "its chain is planned within a second");
    host.hour();
    assert_eq!(made(&host), "app");
    host.keeps_the_laws();
}

#[test]
fn an_apply_that_begins_after_the_wait_is_not_waited_for() {
    let mut host = host("a; b; c; app: a b c");
    host.fate("b", Fate::Slow);
    host.pushes("a b");
    host.run_for(40 * MINUTE_MS);
    host.fate("c", Fate::Slow);
    host.pushes("c");
    while !host.world.runs[run_of(&host, "b")].is_over() {
        assert_eq!(made(&host), "");
        host.run_for(1_000);
    }
    host.run_for(5_000);
    let state = &host.world.runs[run_of(&host, "c")].facts.state;
    assert_eq!(*state, RunState::Applying);
    assert_eq!(made(&host), "app");
    host.hour();
    assert_eq!(made(&host), "app app");
    host.keeps_the_laws();
}

#[test]
fn a_plan_directly_upstream_is_not_waited_for_longer() {
    let mut host = host("a; b; app: a b");
    host.fate("b", Fate::Stays);
    host.pushes("a b");
    host.until_it_joins("app");
    host.run_for(10 * MINUTE_MS - 2_000);
    assert_eq!(made(&host), "");
    host.run_for(5_000);
    assert_eq!(made(&host), "app", "a fresh look says that `b` does not apply");
}

#[test]
fn a_look_without_an_answer_ends_the_wait_after_half_a_minute() {
    let mut host = host("a; b; app: a b");
    host.deliver(Event::RunBegan {
        stack: id("b"),
        run: "01UNKNOWN".parse().unwrap(),
    });
    host.pushes("a");
    host.until_it_joins("app");
    host.run_for(10 * MINUTE_MS + 20_000);
    assert_eq!(made(&host), "");
    host.run_for(12_000);
    assert_eq!(made(&host), "app");
}

#[test]
fn a_chain_waits_for_its_own_stacks_where_only_the_newest_listing_says_so() {
    let mut host = host("a; slow: a; mid: a; app: mid; leaf");
    host.fate("slow", Fate::Slow);
    host.fate("mid", Fate::Unconfirmed);
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    host.world.depend_by_label(&id("app"), &id("slow"), true);
    host.pushes("leaf");
    host.run_for(5 * MINUTE_MS);
    assert_eq!(host.lists, 2, "that of `leaf` knows the new label");
    host.confirms("mid", true);
    host.until_it_joins("app");
    assert_eq!(made(&host), "slow mid");
    host.hour();
    assert_eq!(made(&host), "slow mid app");
    host.keeps_the_laws();
}

#[test]
fn roots_that_end_together_share_one_listing() {
    let roots: Vec<String> = (0..30).map(|n| format!("r{n}")).collect();
    let mut host = host(&format!("{}; apps: {}", roots.join("; "), roots.join(" ")));
    host.world.step_ms = 1;
    host.pushes(&roots.join(" "));
    host.hour();
    assert_eq!(made(&host), "apps");
    assert!(host.lists <= 3, "{} listings", host.lists);
}

#[test]
fn a_fresh_listing_is_reused_for_a_stack_without_dependents() {
    let mut host = host("vpc; db: vpc; leaf");
    host.world.step_ms = 1_000;
    host.pushes("vpc");
    host.run_for(20_000);
    host.pushes("leaf");
    host.run_for(20_000);
    assert_eq!(host.lists, 1);
    host.run_for(2 * MINUTE_MS);
    host.pushes("leaf");
    host.run_for(MINUTE_MS);
    assert_eq!(host.lists, 2);
}

#[test]
fn a_stack_that_ran_for_others_waits_anew_for_the_rest() {
    let mut host = host("a; b; mid: b; app: a mid");
    host.pushes("a");
    while made(&host) != "app" {
        host.run_for(1_000);
    }
    // `app` is ready for this one while it still runs for the other.
    host.pushes("a");
    host.fate("b", Fate::Slow);
    host.pushes("b");
    host.run_for(15 * MINUTE_MS);
    host.hour();
    host.hour();
    assert_eq!(made(&host), "app app mid app");
    host.keeps_the_laws();
}

/// `a` has run, and `b` is the root of a chain that is not planned for an hour.
fn with_an_unplanned_chain_upstream() -> Host {
    let mut host = host("a; b; app: a b");
    host.halt(true);
    host.pushes("a");
    while host.records.is_empty() {
        host.run_for(1_000);
    }
    host.listing_ms = 60 * MINUTE_MS;
    host.request("slow", &id("b"));
    host.run_for(1);
    assert!(host.schedule.is_listing());
    host.halt(false);
    host
}

#[test]
fn a_chain_that_is_not_planned_yet_is_waited_for_no_longer_than_a_run() {
    let mut host = with_an_unplanned_chain_upstream();
    host.until_it_joins("app");
    host.run_for(9 * MINUTE_MS);
    assert_eq!(made(&host), "");
    host.run_for(MINUTE_MS + 2_000);
    assert_eq!(made(&host), "app");
}

/// `app` has waited for the apply of `b`, which has ended a moment ago. What follows from that takes so long to plan.
/// Further upstream, a run still applies.
fn with_an_apply_that_ended(listing_ms: i64) -> Host {
    let mut host = host("a; b; far; mid: far; app: a b mid; z");
    host.pushes("a");
    host.fate("b", Fate::Slow);
    host.pushes("b");
    while host.records.is_empty() {
        host.run_for(1_000);
    }
    host.run_for(20 * MINUTE_MS);
    host.fate("far", Fate::Slow);
    host.pushes("far");
    host.listing_ms = listing_ms;
    while !host.world.runs[run_of(&host, "b")].is_over() {
        assert_eq!(made(&host), "");
        host.run_for(1_000);
    }
    host
}

#[test]
fn what_follows_from_an_apply_that_was_waited_for_is_waited_for_half_a_minute() {
    let mut host = with_an_apply_that_ended(60 * MINUTE_MS);
    host.run_for(27_000);
    assert_eq!(made(&host), "");
    host.run_for(5_000);
    assert_eq!(made(&host), "app");
}

#[test]
fn only_chains_directly_upstream_are_waited_for_after_an_apply() {
    let mut host = with_an_apply_that_ended(5_000);
    host.run_for(1_000);
    assert!(host.schedule.is_listing(), "for the chain of `b`");
    host.listing_ms = 60 * MINUTE_MS;
    host.request("unrelated", &id("z"));
    host.run_for(8_000);
    assert!(host.schedule.is_listing(), "for the chain of `z`");
    assert_eq!(made(&host), "app");
}

#[test]
fn a_run_that_was_looked_at_a_moment_ago_is_not_looked_at_again() {
    for (before_ms, looks) in [(2_001, 1), (2_000, 0), (1_000, 0)] {
        let mut host = host("a; b; app: a b");
        host.fate("b", Fate::Stays);
        host.pushes("a b");
        host.until_it_joins("app");
        let ready_ms = host
            .schedule
            .stack_report(&id("app"), host.now_ms)
            .ready_since_ms
            .unwrap();
        host.run_for(ready_ms + 10 * MINUTE_MS - before_ms - host.now_ms);
        let (stack, run) = (id("b"), host.world.runs[run_of(&host, "b")].facts.clone());
        host.deliver(Event::RunMoved { stack, run });
        let before = host.looks;
        host.run_for(5_000);
        assert_eq!(
            host.looks - before,
            looks,
            "{before_ms} ms before the wait is over"
        );
        assert_eq!(made(&host), "app");
    }
}
