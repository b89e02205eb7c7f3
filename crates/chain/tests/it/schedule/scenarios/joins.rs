//! Causes share runs: what is waited for, and for how long.

use super::{MINUTE_MS, host, made, why};
use crate::schedule::world::{By, Fate};

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
    assert!(
        why(&host, "app").starts_with("waits for `b`, so that one run serves several chains"),
        "{}",
        why(&host, "app")
    );
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
fn a_plan_directly_upstream_is_not_waited_for_longer() {
    let mut host = host("a; b; app: a b");
    host.fate("b", Fate::Stays);
    host.pushes("a b");
    host.run_for(14 * MINUTE_MS);
    assert_eq!(made(&host), "app");
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
