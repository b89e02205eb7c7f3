//! When the records of chains get what happened.

use chain::attempt::RunFacts;
use chain::schedule::{Decision, Event};
use chain::{ChainId, RunState};

use super::{MINUTE_MS, host, run_of, states, tried};
use crate::account::id;
use crate::schedule::host::Host;
use crate::schedule::world::Fate;

/// `a` runs, `c` is locked, and an attempt at `b` takes long.
fn during_an_attempt() -> (Host, ChainId) {
    let mut host = host("vpc; a: vpc; b: vpc; c: vpc");
    host.fate("a", Fate::Stays);
    host.locks("b", true);
    host.locks("c", true);
    host.pushes("vpc");
    host.run_for(30 * MINUTE_MS);
    let chain = host.only_chain();
    assert_eq!(states(&host, &chain), "a running, b waiting, c waiting");
    let before = tried(&host).matches('b').count();
    while tried(&host).matches('b').count() == before {
        host.run_for(100);
    }
    host.faults.delay_ms = 100_000_000;
    let is_open = host.schedule.attempts_under_way().contains(&id("b"));
    assert!(is_open);
    (host, chain)
}

impl Host {
    fn run_of_a(&self, state: RunState) -> RunFacts {
        RunFacts {
            state,
            ..self.world.runs[run_of(self, "a")].facts.clone()
        }
    }

    fn waits_for_confirmation(&mut self) {
        let (stack, run) = (id("a"), self.run_of_a(RunState::Unconfirmed));
        self.deliver(Event::RunMoved { stack, run });
    }
}

#[test]
fn during_an_attempt_a_record_is_updated_after_two_seconds() {
    let (mut host, chain) = during_an_attempt();
    host.waits_for_confirmation();
    let note = |host: &Host| host.records[&chain].stack(&id("a")).unwrap().note.clone();
    host.run_for(1_900);
    assert_eq!(note(&host), None);
    host.run_for(200);
    assert_eq!(note(&host).as_deref(), Some("waits for a confirmation"));
}

#[test]
fn a_success_wakes_nobody_during_an_attempt() {
    let (mut host, chain) = during_an_attempt();
    let (stack, run) = (id("a"), host.run_of_a(RunState::Finished));
    host.deliver(Event::RunEnded { stack, run });
    host.run_for(1);
    assert!(states(&host, &chain).starts_with("a running"));
    let wakes_ms = host.schedule.next_wake_ms().unwrap();
    assert!(wakes_ms > host.now_ms + 3_000, "{}", wakes_ms - host.now_ms);
}

#[test]
fn what_a_person_counted_as_done_is_recorded_at_once() {
    let (mut host, chain) = during_an_attempt();
    host.deliver(Event::DoneByHand {
        stack: id("c"),
        by: "carol".to_owned(),
        reason: None,
    });
    host.run_for(1);
    assert_eq!(states(&host, &chain), "a running, b waiting, c succeeded");
}

#[test]
fn a_schedule_that_is_discarded_hands_over_everything() {
    let (mut host, chain) = during_an_attempt();
    host.waits_for_confirmation();
    let changes = host.schedule.take_all_changes();
    assert_eq!((changes.len(), &changes[0].0, changes[0].1.len()), (1, &chain, 1));
    assert_eq!(host.schedule.take_all_changes(), []);
    let change = changes[0].1[0].clone();
    assert_eq!(
        host.schedule.take_decisions(),
        [Decision::Changed { chain, change }]
    );
}
