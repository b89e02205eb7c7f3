//! A root that manages other stacks: after its run, only the stacks that it changed run.

use chain::schedule::Decision;
use chain::{ReasonCode, RunChanges};

use super::{host, made, states};
use crate::account::id;
use crate::schedule::host::{Entry, Host};

const ACCOUNT: &str = "admin; vpc: admin; db: admin vpc; app: admin db; dns: admin; lone: dns";

fn changed(stacks: &str) -> RunChanges {
    RunChanges::Stacks {
        stacks: stacks.split_whitespace().map(id).collect(),
    }
}

fn administrative(changes: RunChanges) -> Host {
    let mut host = host(ACCOUNT);
    host.labels("admin", "spillway:downstream=changed");
    host.changes.insert(id("admin"), changes);
    host
}

#[test]
fn only_stacks_that_the_root_changed_and_their_dependents_run() {
    for (stacks, expected) in [
        ("db", "db app"),
        ("db dns", "db dns app lone"),
        ("lone", "lone"),
        ("app elsewhere admin", "app"),
        ("vpc", "vpc db app"),
    ] {
        let mut host = administrative(changed(stacks));
        host.pushes("admin");
        host.hour();
        let chain = host.only_chain();
        let record = &host.records[&chain];
        let mut ran: Vec<&str> = record.progress().iter().map(|stack| stack.id.as_str()).collect();
        let mut wanted: Vec<&str> = expected.split_whitespace().collect();
        ran.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(ran, wanted, "{stacks}");
        assert!(record.chain().left_out.is_empty());
        let why = record.chain().downstream.as_ref().unwrap();
        assert_eq!(why.code, ReasonCode::DownstreamChanged);
        host.keeps_the_laws();
    }
}

#[test]
fn nothing_runs_if_the_root_changed_no_stack() {
    let mut host = administrative(changed(""));
    host.pushes("admin");
    host.hour();
    assert!(host.records.is_empty());
    assert_eq!(made(&host), "");
    let nothing = |(_, entry): &(i64, Entry)| matches!(entry, Entry::Decided(Decision::NothingToDo { .. }));
    assert!(host.trace.iter().any(nothing));
}

#[test]
fn everything_runs_if_the_changes_are_unknown_and_the_chain_says_so() {
    let mut host = administrative(RunChanges::Unknown {
        why: "it is not said".to_owned(),
    });
    host.pushes("admin");
    host.hour();
    let chain = host.only_chain();
    let record = &host.records[&chain];
    assert_eq!(record.progress().len(), 5);
    let why = record.chain().downstream.as_ref().unwrap();
    assert_eq!(why.code, ReasonCode::ChangesUnknown);
    assert!(why.text.ends_with("it is not said"), "{}", why.text);
}

#[test]
fn without_the_label_and_for_other_roots_everything_runs() {
    let mut unlabelled = host(ACCOUNT);
    unlabelled.changes.insert(id("admin"), changed("db"));
    unlabelled.pushes("admin");
    unlabelled.hour();
    let record = &unlabelled.records[&unlabelled.only_chain()];
    assert_eq!((record.progress().len(), &record.chain().downstream), (5, &None));

    let mut other = administrative(changed("db"));
    other.pushes("vpc");
    other.hour();
    let chain = other.only_chain();
    assert_eq!(states(&other, &chain), "db succeeded, app succeeded");
}

#[test]
fn a_lost_schedule_keeps_the_plan() {
    let mut host = administrative(changed("vpc"));
    host.pushes("admin");
    host.run_for(super::MINUTE_MS / 2);
    host.lose();
    host.hour();
    let chain = host.only_chain();
    assert_eq!(
        states(&host, &chain),
        "vpc succeeded, db succeeded, app succeeded"
    );
}

#[test]
fn only_the_roots_that_a_listing_serves_are_looked_up() {
    let mut host = host("a; b; a1: a; b1: b");
    host.locks("a1", true);
    host.pushes("a");
    host.run_for(5 * super::MINUTE_MS);
    assert_eq!(host.records.len(), 1);
    host.pushes("b");
    while !host.schedule.is_listing() {
        host.run_for(1);
    }
    let run = host.world.runs[super::run_of(&host, "b")].facts.id.clone();
    assert_eq!(host.schedule.listed_roots(), [(id("b"), run)]);
}
