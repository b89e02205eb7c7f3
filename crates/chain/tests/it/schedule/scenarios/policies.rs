//! Settings in labels of individual stacks.

use std::num::NonZeroU32;

use chain::schedule::{Control, Event};
use chain::{NoChange, RunState};

use super::{MINUTE_MS, host, host_with, made, run_of, settings, states, tried, why};
use crate::account::id;
use crate::schedule::host::Host;
use crate::schedule::world::Fate;

impl Host {
    pub(super) fn labels(&mut self, stack: &str, label: &str) {
        let stack = self.world.stacks.get_mut(&id(stack)).unwrap();
        stack.facts.labels.push(label.to_owned());
    }
}

#[test]
fn each_stack_has_its_own_policy_on_failure() {
    let mut host = host("vpc; a: vpc; b: vpc; a2: a; b2: b");
    host.labels("a", "spillway:on-failure=continue");
    host.fate("a", Fate::Fails);
    host.fate("b", Fate::Fails);
    host.pushes("vpc");
    host.hour();
    let chain = host.only_chain();
    assert_eq!(
        states(&host, &chain),
        "a failed, b failed, a2 succeeded, b2 skipped"
    );
}

#[test]
fn a_stack_with_a_label_to_stop_stops_its_chain_also_after_a_loss() {
    let mut host = host("vpc; a: vpc; slow: vpc; end: slow");
    host.labels("a", "spillway:on-failure=stop");
    host.fate("slow", Fate::Slow);
    host.fate("a", Fate::Fails);
    host.pushes("vpc");
    host.run_for(MINUTE_MS / 10);
    host.lose();
    host.hour();
    host.hour();
    let chain = host.only_chain();
    assert_eq!(states(&host, &chain), "slow succeeded, a failed, end skipped");
}

#[test]
fn the_greater_priority_goes_first() {
    let one_at_a_time = settings(|settings| settings.chain.parallel_runs = NonZeroU32::MIN);
    let mut host = host_with("vpc; a: vpc; b: vpc; c: vpc; d: c", one_at_a_time);
    host.labels("a", "spillway:priority=-1");
    host.labels("b", "spillway:priority=1");
    host.pushes("vpc");
    host.hour();
    assert_eq!(
        tried(&host),
        "b c d a",
        "c has the longest way to the end of those that say nothing"
    );
    host.keeps_the_laws();
}

fn skipping(account: &str) -> Host {
    host_with(
        account,
        settings(|settings| settings.chain.no_change = NoChange::Skip),
    )
}

#[test]
fn a_stack_can_run_only_if_an_upstream_changed() {
    for (unchanged, expected) in [
        ("", "a succeeded, b succeeded, app succeeded, web succeeded"),
        ("vpc", "a skipped, b skipped, app skipped, web skipped"),
        ("a", "a succeeded, b succeeded, app succeeded, web succeeded"),
        ("a b", "a succeeded, b succeeded, app skipped, web skipped"),
        ("a b app", "a succeeded, b succeeded, app skipped, web skipped"),
        ("app", "a succeeded, b succeeded, app succeeded, web skipped"),
    ] {
        let mut host = skipping("vpc; a: vpc; b: vpc; app: a b; web: app");
        for stack in unchanged.split_whitespace() {
            host.fate(stack, Fate::Unchanged);
        }
        host.pushes("vpc");
        host.hour();
        let chain = host.only_chain();
        let states = states(&host, &chain);
        let mut sorted: Vec<&str> = states.split(", ").collect();
        sorted.sort_unstable();
        let mut expected: Vec<&str> = expected.split(", ").collect();
        expected.sort_unstable();
        assert_eq!(sorted, expected, "{unchanged}");
        host.keeps_the_laws();
    }
}

#[test]
fn after_a_repair_that_changed_nothing_its_dependents_are_skipped_too() {
    let mut host = skipping("vpc; a: vpc; slow: vpc; a2: a; a3: a2; end: a3 slow");
    host.fate("a", Fate::Fails);
    host.fate("slow", Fate::Slow);
    host.pushes("vpc");
    host.run_for(8 * MINUTE_MS);
    let chain = host.only_chain();
    host.fate("a", Fate::Unchanged);
    host.world.person(&id("a"), 0, host.now_ms);
    host.hour();
    host.hour();
    assert_eq!(
        states(&host, &chain),
        "a succeeded, a2 skipped, a3 skipped, slow succeeded, end succeeded"
    );
    host.keeps_the_laws();
}

/// What depends on it has to see the change.
#[test]
fn a_failed_apply_counts_as_a_change_although_the_run_after_it_changed_nothing() {
    for is_retried in [false, true] {
        let skips_and_retries = settings(|settings| {
            settings.chain.no_change = NoChange::Skip;
            settings.chain.run_retries = u32::from(is_retried);
        });
        let mut host = host_with("vpc; a: vpc; slow: vpc; a2: a", skips_and_retries);
        host.fate("a", Fate::FailsApplying);
        host.fate("slow", Fate::Slow);
        host.pushes("vpc");
        let failed = |host: &Host| {
            let mut runs = host.world.runs.iter();
            runs.any(|run| run.facts.state == RunState::Failed)
        };
        while !failed(&host) {
            host.run_for(1_000);
        }
        let chain = host.only_chain();
        host.fate("a", Fate::Unchanged);
        if !is_retried {
            host.run_for(MINUTE_MS);
            host.world.person(&id("a"), 0, host.now_ms);
        }
        host.hour();
        host.hour();
        assert_eq!(
            states(&host, &chain),
            "a succeeded, a2 succeeded, slow succeeded",
            "retried: {is_retried}"
        );
        host.keeps_the_laws();
    }
}

#[test]
fn a_label_lets_one_stack_run_or_skips_it() {
    let mut first = skipping("vpc; a: vpc; b: a");
    first.labels("a", "spillway:no-change=run");
    first.fate("vpc", Fate::Unchanged);
    first.fate("a", Fate::Unchanged);
    first.pushes("vpc");
    first.hour();
    assert_eq!(states(&first, &first.only_chain()), "a succeeded, b skipped");

    let mut other = host("vpc; a: vpc; b: a");
    other.labels("a", "spillway:no-change=skip");
    other.fate("vpc", Fate::Unchanged);
    other.pushes("vpc");
    other.hour();
    assert_eq!(states(&other, &other.only_chain()), "a skipped, b succeeded");
}

#[test]
fn an_upstream_without_a_known_run_counts_as_changed() {
    let account = "vpc; a: vpc; !off: a; app: off";
    for (fate, expected) in [
        (Fate::Well, "a succeeded, app succeeded"),
        (Fate::Unchanged, "a succeeded, app skipped"),
        (Fate::Skipped, "a skipped, app skipped"),
    ] {
        let mut host = skipping(account);
        host.fate("a", fate);
        host.pushes("vpc");
        host.hour();
        assert_eq!(states(&host, &host.only_chain()), expected, "{fate:?}");
    }
}

#[test]
fn a_stack_left_out_of_one_chain_runs_for_another() {
    let mut host = skipping("a; b; app: a b");
    host.fate("a", Fate::Unchanged);
    host.pushes("a");
    host.pushes("b");
    host.hour();
    assert_eq!(made(&host), "app");
    host.keeps_the_laws();
}

#[test]
fn a_stack_left_out_after_a_repair_is_not_tried_again() {
    let mut host = skipping("vpc; a: vpc; b: a; other: vpc");
    host.labels("a", "spillway:on-failure=continue");
    host.fate("a", Fate::Fails);
    host.locks("b", true);
    host.locks("other", true);
    host.pushes("vpc");
    host.run_for(10 * MINUTE_MS);
    host.fate("a", Fate::Unchanged);
    host.world.person(&id("a"), 0, host.now_ms);
    host.run_for(10 * MINUTE_MS);
    let chain = host.records.keys().next().unwrap();
    assert_eq!(states(&host, chain), "a succeeded, b skipped, other waiting");
    host.locks("b", false);
    let tries = |host: &Host| tried(host).split(' ').filter(|stack| *stack == "b").count();
    let before = tries(&host);
    host.hour();
    assert_eq!(tries(&host), before);
    assert_eq!(made(&host), "a");
    host.locks("other", false);
    host.hour();
    host.keeps_the_laws();
}

#[test]
fn after_a_loss_everything_runs() {
    let mut host = skipping("vpc; a: vpc; b: a");
    host.fate("a", Fate::Unchanged);
    host.locks("a", true);
    host.pushes("vpc");
    host.run_for(5 * MINUTE_MS);
    host.lose();
    host.locks("a", false);
    host.hour();
    assert_eq!(states(&host, &host.only_chain()), "a succeeded, b succeeded");
    host.keeps_the_laws();
}

#[test]
fn an_ignored_stack_blocks_nothing() {
    let mut host = host("vpc; admin; app: vpc admin");
    host.labels("admin", "spillway:ignore=true");
    host.fate("admin", Fate::Slow);
    host.pushes("admin vpc");
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "app");
    host.hour();
    host.hour();
    assert_eq!(made(&host), "app", "its own run starts no chain");
}

fn retrying(account: &str) -> Host {
    host_with(account, settings(|settings| settings.chain.run_retries = 2))
}

#[test]
fn a_failed_run_is_retried_with_growing_pauses() {
    let mut host = retrying("vpc; db: vpc; app: db");
    host.world.step_ms = 1;
    host.fate("db", Fate::Fails);
    host.pushes("vpc");
    host.run_for(30_000);
    let chain = host.only_chain();
    assert_eq!(states(&host, &chain), "db waiting, app waiting");
    let text = why(&host, "db");
    assert!(
        text.ends_with("failed, and is tried again after 60 s (retry 1 of 2)"),
        "{text}"
    );
    host.fate("db", Fate::Fails);
    host.run_for(60_000);
    assert!(
        why(&host, "db").ends_with("after 120 s (retry 2 of 2)"),
        "{}",
        why(&host, "db")
    );
    host.run_for(90_000);
    assert_eq!(made(&host), "db db");
    host.run_for(60_000);
    assert_eq!(states(&host, &chain), "db succeeded, app succeeded");
    let db = host.records[&chain].stack(&id("db")).unwrap();
    assert_eq!((db.runs, db.failed_runs.len()), (3, 2));
    host.keeps_the_laws();
}

#[test]
fn retries_are_limited_even_after_a_loss() {
    let mut host = retrying("vpc; db: vpc; dns: vpc; app: db dns");
    host.world.fates = [100, 0, 0, 0];
    host.fate("vpc", Fate::Well);
    host.pushes("vpc");
    host.run_for(2 * MINUTE_MS);
    host.lose();
    host.hour();
    for stack in ["db", "dns"] {
        let runs = host.world.runs.iter().filter(|run| run.stack == id(stack));
        assert_eq!(runs.count(), 3, "{stack}");
    }
    assert_eq!(
        states(&host, &host.only_chain()),
        "db failed, dns failed, app skipped"
    );
}

#[test]
fn a_run_ended_by_a_person_is_not_retried() {
    let mut host = retrying("vpc; db: vpc");
    host.fate("db", Fate::Unconfirmed);
    host.pushes("vpc");
    host.run_for(5 * MINUTE_MS);
    host.confirms("db", false);
    host.hour();
    assert_eq!(
        host.world.runs[run_of(&host, "db")].facts.state,
        RunState::Discarded
    );
    assert_eq!(
        (made(&host).as_str(), states(&host, &host.only_chain()).as_str()),
        ("db", "db failed")
    );
    host.keeps_the_laws();
}

#[test]
fn a_cancelled_chain_retries_nothing() {
    let mut host = retrying("vpc; db: vpc");
    host.fate("db", Fate::Fails);
    host.pushes("vpc");
    let mut waited = 0;
    while made(&host).is_empty() && waited < 60 {
        host.run_for(1_000);
        waited += 1;
    }
    let chain = host.only_chain();
    host.control(&chain, Control::Cancel);
    host.hour();
    assert_eq!(
        (made(&host).as_str(), states(&host, &chain).as_str()),
        ("db", "db failed")
    );
}

/// `u` failed too, and nothing waits for it.
#[test]
fn a_repair_revives_a_stack_that_also_follows_a_failure_that_blocks_nothing() {
    let mut host = host("vpc; a: vpc; u: vpc; slow: vpc; t: a u");
    host.labels("u", "spillway:on-failure=continue");
    host.fate("slow", Fate::Slow);
    for stack in ["a", "u"] {
        host.fate(stack, Fate::Fails);
    }
    host.pushes("vpc");
    host.run_for(8 * MINUTE_MS);
    host.deliver(Event::DoneByHand {
        stack: id("a"),
        by: "carol".to_owned(),
        reason: None,
    });
    host.hour();
    host.hour();
    let chain = host.only_chain();
    assert_eq!(
        states(&host, &chain),
        "a succeeded, u failed, slow succeeded, t succeeded"
    );
    host.keeps_the_laws();
}
