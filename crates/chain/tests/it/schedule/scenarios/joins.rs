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
fn an_older_commit_never_rolls_back_and_what_is_held_is_not_waited_for() {
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
        why(&host, "app").starts_with("it waits for `b`, upstream of it"),
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
fn what_applies_directly_upstream_is_waited_for_to_its_end() {
    let mut host = host("a; b; app: a b");
    host.fate("b", Fate::Slow);
    host.pushes("a b");
    host.run_for(40 * MINUTE_MS);
    assert_eq!(made(&host), "", "a fresh look says that `b` applies");
    assert!(
        why(&host, "app").contains("directly upstream of it, to end"),
        "{}",
        why(&host, "app")
    );
    host.hour();
    assert_eq!(made(&host), "app");
    host.keeps_the_laws();
}

#[test]
fn what_only_plans_directly_upstream_is_not_waited_for_any_longer() {
    let mut host = host("a; b; app: a b");
    host.fate("b", Fate::Stays);
    host.pushes("a b");
    host.run_for(14 * MINUTE_MS);
    assert_eq!(made(&host), "app");
}

#[test]
fn one_listing_does_for_all_that_end_together() {
    let roots: Vec<String> = (0..30).map(|n| format!("r{n}")).collect();
    let mut host = host(&format!("{}; apps: {}", roots.join("; "), roots.join(" ")));
    host.world.step_ms = 1;
    host.pushes(&roots.join(" "));
    host.hour();
    assert_eq!(made(&host), "apps");
    assert!(host.lists <= 3, "{} listings", host.lists);
}

#[test]
fn a_fresh_listing_saves_one_for_a_stack_on_which_nothing_depends() {
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
