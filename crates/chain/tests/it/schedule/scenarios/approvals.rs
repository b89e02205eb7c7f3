//! Chains that begin only when a person approves them.

use chain::schedule::{Control, Decision, WaitingKind};
use chain::{Confirm, ScheduleSettings};

use super::{MINUTE_MS, host_with, made, settings, states, why};
use crate::account::id;
use crate::schedule::host::{Entry, Host};

fn asking() -> ScheduleSettings {
    settings(|settings| settings.chain.confirm = Confirm::Chain)
}

#[test]
fn the_chain_of_a_push_waits_for_one_approval() {
    let mut host = host_with("vpc; db: vpc; app: db", asking());
    host.pushes("vpc");
    host.hour();
    let chain = host.only_chain();
    assert_eq!(
        (made(&host).as_str(), states(&host, &chain).as_str()),
        ("", "db waiting, app waiting")
    );
    assert_eq!(why(&host, "db"), "its chain waits for an approval");
    let waiting = host.schedule.waiting();
    assert_eq!(
        (waiting[0].kind, &waiting[0].chains),
        (WaitingKind::Approval, &vec![chain.clone()])
    );
    host.lose();
    host.hour();
    assert_eq!(made(&host), "", "it survives a loss");
    // Pausing and resuming is not an approval.
    host.control(&chain, Control::Pause);
    host.run_for(MINUTE_MS);
    host.control(&chain, Control::Resume);
    host.run_for(MINUTE_MS);
    assert_eq!(made(&host), "");
    host.control(&chain, Control::Approve);
    host.hour();
    assert_eq!(
        (made(&host).as_str(), states(&host, &chain).as_str()),
        ("db app", "db succeeded, app succeeded")
    );
    assert_eq!(host.schedule.waiting(), []);
}

#[test]
fn a_missing_approval_is_reported_once() {
    let mut patient = asking();
    patient.stuck_after_ms = 90 * MINUTE_MS;
    let mut host = host_with("vpc; db: vpc; other; b: other", patient);
    host.pushes("vpc");
    let stuck = |host: &Host| {
        let is_stuck = |(_, entry): &&(i64, Entry)| matches!(entry, Entry::Decided(Decision::Stuck { stack, .. }) if *stack == id("vpc"));
        host.trace.iter().filter(is_stuck).count()
    };
    host.hour();
    assert_eq!(stuck(&host), 0);
    host.hour();
    assert_eq!(stuck(&host), 1);
    let chain = host.only_chain();
    // Another chain also waits too long.
    host.pushes("other");
    host.hour();
    host.hour();
    assert_eq!(stuck(&host), 1, "it is reported once");
    host.control(&chain, Control::Approve);
    host.hour();
    assert_eq!(states(&host, &chain), "db succeeded");
}

#[test]
fn chains_started_by_a_person_need_no_approval() {
    let mut host = host_with("vpc; db: vpc", asking());
    host.world.person(&id("vpc"), 0, host.now_ms);
    host.hour();
    assert_eq!(made(&host), "db");
    host.request("one", &id("vpc"));
    host.hour();
    assert_eq!(made(&host), "db vpc db");
}

#[test]
fn a_large_chain_waits_and_can_be_cancelled() {
    let mut host = host_with(
        "vpc; a: vpc; b: vpc; small; c: small",
        settings(|settings| settings.chain.ask_above = 1),
    );
    host.pushes("vpc small");
    host.hour();
    assert_eq!(made(&host), "c");
    let large = host
        .records
        .values()
        .find(|record| record.unapproved().is_some())
        .unwrap();
    assert_eq!(
        large.unapproved().unwrap().text,
        "the chain has 2 stacks, more than 1"
    );
    let large = large.id().clone();
    host.control(&large, Control::Cancel);
    host.hour();
    assert_eq!(states(&host, &large), "a skipped, b skipped");
    assert_eq!(host.records[&large].unapproved(), None);
    assert_eq!(made(&host), "c");
}

#[test]
fn an_unapproved_chain_does_not_block_others() {
    let mut host = host_with("a; b; app: a b", asking());
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    host.world.person(&id("b"), 0, host.now_ms);
    host.hour();
    assert_eq!(made(&host), "app");
    let unapproved = host
        .records
        .values()
        .find(|record| record.unapproved().is_some())
        .unwrap();
    let unapproved = unapproved.id().clone();
    host.control(&unapproved, Control::Approve);
    host.hour();
    assert_eq!(states(&host, &unapproved), "app succeeded");
    assert_eq!(
        made(&host),
        "app app",
        "the first run was of a commit from before the push"
    );
}
