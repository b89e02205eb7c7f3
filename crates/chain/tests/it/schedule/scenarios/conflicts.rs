//! A second Spillway on the account, which triggers runs with our key.

use chain::schedule::{Decision, Event};

use super::{MINUTE_MS, host, made, run_of, why};
use crate::account::id;
use crate::schedule::host::{Entry, Host};
use crate::schedule::world::By;

const NAMESPACE: &str = "another";

impl Host {
    /// The other Spillway runs a stack. It ends within a few minutes.
    fn other_spillway_runs(&mut self, stack: &str) {
        let run = self.world.create(&id(stack), By::Us, 0, self.now_ms);
        self.world.runs[run].facts.other_spillway = Some(NAMESPACE.to_owned());
        self.run_for(5 * MINUTE_MS);
        assert!(self.world.runs[run].is_over());
    }

    fn alarms(&self) -> usize {
        let is_alarm = |entry: &Entry| matches!(entry, Entry::Decided(Decision::Conflict { namespace, .. }) if namespace == NAMESPACE);
        self.trace.iter().filter(|(_, entry)| is_alarm(entry)).count()
    }
}

#[test]
fn triggers_stop_until_an_hour_after_the_last_run_of_the_other_spillway() {
    let mut host = host("a; db: a; other");
    host.other_spillway_runs("other");
    assert_eq!(host.alarms(), 1);
    host.run_for(20 * MINUTE_MS);
    host.other_spillway_runs("other");
    assert_eq!(host.alarms(), 2);
    host.pushes("a");
    host.run_for(50 * MINUTE_MS);
    assert_eq!(
        made(&host),
        "other other",
        "25 + 50 minutes, and 50 after the second run"
    );
    let why_not = why(&host, "db");
    assert!(
        why_not.contains("another Spillway") && why_not.contains(NAMESPACE) && why_not.contains("`other`"),
        "{why_not}"
    );
    let report = host.schedule.report(host.now_ms);
    assert_eq!(report.conflict, Some(why_not));
    host.run_for(10 * MINUTE_MS);
    assert_eq!(made(&host), "other other db");
    assert_eq!(host.schedule.report(host.now_ms).conflict, None);
}

#[test]
fn a_conflict_lifted_by_a_person_returns_with_the_next_run_of_the_other_spillway() {
    let mut host = host("a; db: a; other");
    host.other_spillway_runs("other");
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "other");
    host.halt(false);
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "other db");
    host.other_spillway_runs("other");
    assert_eq!(host.alarms(), 2);
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "other db other");
}

#[test]
fn runs_of_the_other_spillway_start_no_chain_even_after_a_release() {
    let mut host = host("a; db: a");
    host.other_spillway_runs("a");
    host.halt(false);
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "a");
    assert!(host.records.is_empty());
}

#[test]
fn old_evidence_of_a_conflict_is_ignored() {
    let mut host = host("a; db: a; other");
    let run = host.world.create(&id("other"), By::Us, 0, host.now_ms);
    host.world.runs[run].facts.other_spillway = Some(NAMESPACE.to_owned());
    host.world.runs[run].facts.created_at_s -= 3_600;
    host.run_for(5 * MINUTE_MS);
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "other db");
    assert_eq!(host.alarms(), 0);
}

#[test]
fn a_conflict_survives_the_loss_of_the_schedule() {
    let mut host = host("a; db: a; other");
    host.other_spillway_runs("other");
    host.run_for(20 * MINUTE_MS);
    host.pushes("a");
    host.lose();
    host.run_for(20 * MINUTE_MS);
    assert_eq!(made(&host), "other");
    host.lose();
    host.run_for(30 * MINUTE_MS);
    assert_eq!(made(&host), "other db", "an hour after its run");
}

#[test]
fn a_conflict_lifted_by_a_person_does_not_return_with_a_loss() {
    let mut host = host("a; db: a; other");
    host.other_spillway_runs("other");
    host.halt(false);
    host.lose();
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "other db");
}

#[test]
fn a_run_of_the_other_spillway_that_a_person_knows_about_may_be_reported_again() {
    let mut host = host("a; db: a; other");
    host.other_spillway_runs("other");
    host.halt(false);
    let run = host.world.runs[run_of(&host, "other")].facts.clone();
    host.deliver(Event::RunEnded {
        stack: id("other"),
        run,
    });
    assert_eq!(host.alarms(), 1);
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    assert_eq!(made(&host), "other db");
}
