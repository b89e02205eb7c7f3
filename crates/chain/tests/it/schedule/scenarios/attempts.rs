//! What the outcomes of attempts mean.

use chain::attempt::{AttemptOutcome, AttemptRequest, Hold, HoldKind};
use chain::schedule::{Control, Event};
use chain::{ChainId, RunState};

use super::{MINUTE_MS, host, host_with, made, run_of, settings, states, tried, why};
use crate::account::id;
use crate::schedule::host::{Entry, Host};
use crate::schedule::world::{By, Fate};

#[test]
fn the_outcome_of_an_attempt_that_is_not_waited_for_holds_nothing() {
    let mut host = host("a; app: a");
    host.locks("app", true);
    host.pushes("a");
    host.run_for(5 * MINUTE_MS);
    let chain = host.only_chain();
    host.control(&chain, Control::Pause);
    host.deliver(Event::Released {
        stack: id("app"),
        by: "carol".to_owned(),
    });
    host.run_for(1);
    assert_eq!(why(&host, "app"), "its chain is paused");
    host.deliver(Event::Attempted {
        stack: id("app"),
        outcome: AttemptOutcome::Held {
            hold: Hold::new(HoldKind::Lock, "the stack is locked by bob".to_owned()),
            again_in_ms: None,
        },
    });
    assert_eq!(why(&host, "app"), "its chain is paused");
}

#[test]
fn an_answer_ends_the_time_for_which_attempts_have_failed() {
    let mut host = host("a; app: a");
    host.pushes("a");
    host.trouble_until_ms = host.now_ms + 100 * MINUTE_MS;
    host.run_for(100 * MINUTE_MS);
    host.locks("app", true);
    host.run_for(20 * MINUTE_MS);
    let chain = host.only_chain();
    assert_eq!(why(&host, "app"), "the stack is locked by alice");
    host.trouble_until_ms = host.now_ms + 90 * MINUTE_MS;
    host.run_for(90 * MINUTE_MS);
    assert_eq!(states(&host, &chain), "app waiting");
    host.locks("app", false);
    host.hour();
    assert_eq!(states(&host, &chain), "app succeeded");
    host.keeps_the_laws();
}

/// Spacelift creates the run of the first attempt a minute later, so that attempt is in doubt.
fn with_a_run_that_is_created_late(stacks: &str) -> Host {
    let mut host = host(stacks);
    host.world.step_ms = 10;
    host.faults.late_created = 1_000;
    host.pushes("vpc");
    while !host.has_ended("db") {
        host.run_for(1);
    }
    host.faults.late_created = 0;
    host
}

#[test]
fn a_run_of_somebody_else_does_not_end_a_doubt() {
    let mut host = host("db; app: db");
    host.faults.late_created = 1_000;
    host.request("one", &id("db"));
    while !host.has_ended("db") {
        host.run_for(1);
    }
    host.faults.late_created = 0;
    host.world.person(&id("db"), 0, host.now_ms);
    host.hour();
    let runs = host.world.runs.iter().filter(|run| run.stack == id("db"));
    let by: Vec<By> = runs.map(|run| run.by).collect();
    assert_eq!(by, [By::Person, By::Us], "no other run was needed");
    assert_eq!(host.records.len(), 2, "of the request, and of the person's run");
    host.keeps_the_laws();
}

#[test]
fn a_run_is_not_stopped_because_an_earlier_one_is_to_be_stopped() {
    let mut host = with_a_run_that_is_created_late("vpc; other; db: vpc other");
    let first = host.only_chain();
    host.control(&first, Control::CancelAndStopRuns);
    host.fate("db", Fate::Unconfirmed);
    host.pushes("other");
    while made(&host).is_empty() {
        host.run_for(1);
    }
    assert!(host.has_answer("db"));
    let mut chains = host.records.keys();
    let second = chains.find(|chain| **chain != first).unwrap().clone();
    host.control(&second, Control::Cancel);
    host.run_for(10 * MINUTE_MS);
    let own = host.world.runs.iter().find(|run| run.facts.ours).unwrap();
    assert_eq!(own.facts.state, RunState::Unconfirmed);
}

#[test]
fn an_outcome_that_only_one_record_has_counts_for_the_other_chain_after_a_loss() {
    let mut host = host("vpc; other; db: vpc other");
    host.fate("db", Fate::Unconfirmed);
    host.pushes("vpc other");
    while !host.has_answer("db") {
        host.run_for(1);
    }
    let chains: Vec<ChainId> = host.records.keys().cloned().collect();
    let before = host.records[&chains[1]].clone();
    while !host.has_ended("db") {
        host.run_for(1);
    }
    host.run_for(3_000);
    host.records.insert(chains[1].clone(), before);
    host.lose();
    host.run_for(10_000);
    for chain in &chains {
        assert_eq!(states(&host, chain), "db running");
    }
    assert_eq!(tried(&host), "db");
}

/// The end of the run was reported some minutes before the look. Ends are remembered for an hour.
#[test]
fn a_run_of_somebody_else_that_is_over_does_not_keep_its_stack_busy() {
    for minutes in [10, 120] {
        let mut host = host("db");
        host.locks("db", true);
        let chain = host.request("one", &id("db"));
        host.run_for(5 * MINUTE_MS);
        host.control(&chain, Control::Pause);
        host.locks("db", false);
        host.world.person(&id("db"), 0, host.now_ms);
        host.run_for(5 * MINUTE_MS);
        assert!(host.world.runs[run_of(&host, "db")].is_over());
        host.run_for(minutes * MINUTE_MS);
        host.control(&chain, Control::Resume);
        host.run_for(5 * MINUTE_MS);
        assert_eq!(
            (made(&host).as_str(), states(&host, &chain).as_str()),
            ("", "db succeeded")
        );
        assert_eq!(why(&host, "db"), "no chain needs it", "{minutes} min");
        host.keeps_the_laws();
    }
}

#[test]
fn a_run_of_somebody_else_that_no_chain_needs_any_more_continues() {
    for is_over in [false, true] {
        let mut host = host("db");
        host.locks("db", true);
        host.request("one", &id("db"));
        host.run_for(5 * MINUTE_MS);
        host.locks("db", false);
        host.fate("db", Fate::Unconfirmed);
        host.world.step_ms = 10;
        host.world.person(&id("db"), 0, host.now_ms);
        while host.schedule.attempts_under_way().is_empty() {
            host.run_for(100);
        }
        host.faults.delay_ms = 600_000;
        while !host.has_answer("db") {
            host.run_for(1);
        }
        host.faults.delay_ms = 1;
        host.run_for(100);
        if is_over {
            host.confirms("db", true);
        }
        let chain = host.only_chain();
        host.control(&chain, Control::CancelAndStopRuns);
        host.run_for(100);
        assert!(host.has_answer("db"));
        while host.has_answer("db") {
            host.run_for(1_000);
        }
        let run = &host.world.runs[run_of(&host, "db")];
        assert_eq!((run.by, run.is_over()), (By::Person, is_over));
        let expected = if is_over {
            "no chain needs it".to_owned()
        } else {
            format!("no chain needs it; run {} is under way", run.facts.id)
        };
        assert_eq!(why(&host, "db"), expected);
    }
}

#[test]
fn runs_of_ours_are_not_looked_at_without_need() {
    let mut host = host("vpc; db: vpc; app: db");
    host.pushes("vpc");
    host.hour();
    assert_eq!((made(&host).as_str(), host.looks), ("db app", 0));
}

/// The answer to its trigger was lost, and the next attempt found it.
#[test]
fn a_run_of_ours_that_is_found_later_and_cancelled_has_failed() {
    for is_lost in [false, true] {
        let mut host = host("vpc; db: vpc");
        host.fate("db", Fate::Stays);
        host.faults.ambiguous = 1_000;
        host.pushes("vpc");
        while made(&host).is_empty() {
            host.run_for(1);
        }
        host.faults.ambiguous = 0;
        host.run_for(5 * MINUTE_MS);
        let chain = host.only_chain();
        assert_eq!(
            (tried(&host).as_str(), states(&host, &chain).as_str()),
            ("db db", "db running")
        );
        if is_lost {
            host.lose();
            host.run_for(MINUTE_MS);
        }
        host.confirms("db", false);
        host.hour();
        assert_eq!(made(&host), "db", "lost: {is_lost}");
        assert_eq!(states(&host, &chain), "db failed", "lost: {is_lost}");
    }
}

/// It was to be stopped with another chain, and the schedule did not know it.
#[test]
fn a_run_that_is_found_for_a_chain_is_not_stopped() {
    let mut host = host("vpc; other; db: vpc other");
    host.fate("db", Fate::Stays);
    host.faults.ambiguous = 1_000;
    host.pushes("vpc");
    while made(&host).is_empty() {
        host.run_for(1);
    }
    host.faults.ambiguous = 0;
    while !host.has_ended("db") {
        host.run_for(1);
    }
    let first = host.only_chain();
    host.control(&first, Control::CancelAndStopRuns);
    let second = host.request("one", &id("other"));
    host.run_for(10 * MINUTE_MS);
    assert_eq!(states(&host, &second), "other succeeded, db running");
    assert_eq!(made(&host), "db other");
    let state = &host.world.runs[run_of(&host, "db")].facts.state;
    assert_eq!(*state, RunState::Ready);
}

/// `db` waits in a paused chain. A person has run it, and the end of the run is reported after some time.
fn with_a_run_of_a_person_for_a_paused_chain(is_late: bool) -> (Host, ChainId) {
    let mut host = host("root; db: root; app: db");
    let chain = host.request("one", &id("root"));
    while !host.records.contains_key(&chain) {
        host.run_for(1);
    }
    host.locks("db", true);
    host.run_for(5 * MINUTE_MS);
    host.control(&chain, Control::Pause);
    host.locks("db", false);
    host.run_for(1);
    host.world.step_ms = 10;
    host.faults.late = if is_late { 1_000 } else { 0 };
    host.world.person(&id("db"), 0, host.now_ms);
    host.run_for(100);
    host.faults.late = 0;
    assert!(host.world.runs[run_of(&host, "db")].is_over());
    (host, chain)
}

#[test]
fn what_follows_from_a_run_whose_end_is_not_reported_yet_is_waited_for() {
    let (mut host, chain) = with_a_run_of_a_person_for_a_paused_chain(true);
    host.control(&chain, Control::Resume);
    host.run_for(MINUTE_MS);
    assert_eq!(states(&host, &chain), "root succeeded, db succeeded, app waiting");
    host.hour();
    assert_eq!(made(&host), "root app", "one run of `app` serves both chains");
    assert_eq!(host.records.len(), 2);
    host.keeps_the_laws();
}

#[test]
fn the_end_of_a_run_is_not_expected_again_after_hours() {
    let (mut host, chain) = with_a_run_of_a_person_for_a_paused_chain(false);
    host.hour();
    host.hour();
    host.control(&chain, Control::Resume);
    host.hour();
    assert_eq!(
        states(&host, &chain),
        "root succeeded, db succeeded, app succeeded"
    );
    assert_eq!(why(&host, "db"), "no chain needs it");
    host.keeps_the_laws();
}

/// What the last run of ours was triggered for.
fn last_request(host: &Host) -> &AttemptRequest {
    let mut entries = host.trace.iter().rev();
    let request = entries.find_map(|(_, entry)| match entry {
        Entry::Made { request, .. } => Some(request),
        _ => None,
    });
    request.unwrap()
}

#[test]
fn an_attempt_knows_which_chains_an_earlier_one_was_not_for() {
    let mut host = with_a_run_that_is_created_late("vpc; other; db: vpc other");
    let first = host.only_chain();
    host.locks("db", true);
    host.pushes("other");
    host.run_for(10_000);
    host.locks("db", false);
    host.run_for(30_000);
    let needs = &last_request(&host).needs;
    let new = needs
        .iter()
        .map(|need| (need.chain == first, need.new_since_doubt));
    assert_eq!(new.collect::<Vec<_>>(), [(true, false), (false, true)]);
}

#[test]
fn an_attempt_knows_who_triggers_runs_of_the_stack_without_a_person() {
    let mut host = host("vpc; db: vpc; other");
    host.world.depend_natively(&id("db"), &id("other"), true);
    host.pushes("vpc");
    host.hour();
    assert_eq!(last_request(&host).automatic, ["other"]);
}

#[test]
fn an_attempt_knows_how_often_a_failed_run_is_retried() {
    let three = settings(|settings| settings.chain.run_retries = 3);
    let mut host = host_with("vpc; db: vpc", three);
    host.pushes("vpc");
    host.hour();
    assert_eq!(last_request(&host).run_retries, 3);
}

#[test]
fn what_held_a_stack_counts_until_another_attempt_has_ended() {
    let mut host = host("db");
    host.locks("db", true);
    host.request("one", &id("db"));
    host.run_for(5 * MINUTE_MS);
    let is_waiting = |host: &Host| !host.schedule.waiting().is_empty();
    assert!(is_waiting(&host));
    host.deliver(Event::Released {
        stack: id("db"),
        by: "carol".to_owned(),
    });
    assert!(!is_waiting(&host));
    host.settle();
    assert_eq!(host.schedule.attempts_under_way(), [id("db")]);
    assert!(is_waiting(&host));
}
