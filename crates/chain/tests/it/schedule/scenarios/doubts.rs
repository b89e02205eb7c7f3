//! The answer to a trigger is lost, so that nobody knows whether there is a run.

use chain::schedule::{Control, Event};
use chain::{RunFacts, RunId, RunState};

use super::{MINUTE_MS, host, made, run_of, states, tried};
use crate::account::id;
use crate::schedule::host::{Entry, Host};
use crate::schedule::world::Fate;

/// The run of `db` is triggered, and the answer is lost. The chain is cancelled before anybody knows.
fn with_a_run_that_nobody_waits_for() -> Host {
    let mut host = with_a_lost_answer(Fate::Well);
    let chain = host.only_chain();
    host.control(&chain, Control::Cancel);
    host
}

/// The run of `db` is triggered, and the answer will be lost.
fn with_a_lost_answer(fate: Fate) -> Host {
    losing_an_answer(host("vpc; db: vpc; app: db"), fate)
}

fn losing_an_answer(mut host: Host, fate: Fate) -> Host {
    host.fate("db", fate);
    host.faults.delay_ms = 5_000;
    host.faults.ambiguous = 1_000;
    host.pushes("vpc");
    while !host.has_answer("db") {
        host.run_for(1);
    }
    host.faults.ambiguous = 0;
    host
}

/// The same run has ended, which is reported two minutes later.
fn with_a_run_whose_end_is_reported_late() -> Host {
    let mut host = with_a_run_that_nobody_waits_for();
    host.faults.late = 1_000;
    let first = run_of(&host, "db");
    while !host.world.runs[first].is_over() {
        host.run_for(1_000);
    }
    host.faults.late = 0;
    host
}

#[test]
fn a_run_for_a_chain_that_was_cancelled_before_the_answer_is_not_a_root() {
    let mut host = with_a_run_that_nobody_waits_for();
    host.hour();
    host.run_for(10 * MINUTE_MS);
    assert_eq!(made(&host), "db");
    assert_eq!(host.records.len(), 1);
    host.keeps_the_laws();
}

/// The next schedule does not know for which chains the attempt was.
#[test]
fn its_failure_counts_also_if_the_schedule_is_lost() {
    for is_after_the_end in [false, true] {
        let mut quick = host("vpc; db: vpc; app: db");
        quick.world.step_ms = 10;
        let mut host = losing_an_answer(quick, Fate::Fails);
        while is_after_the_end && !host.has_ended("db") {
            host.run_for(1);
        }
        host.lose();
        host.hour();
        let chain = host.only_chain();
        assert_eq!(made(&host), "db", "after the end: {is_after_the_end}");
        assert_eq!(states(&host, &chain), "db failed, app skipped");
        host.keeps_the_laws();
    }
}

#[test]
fn it_is_not_a_root_if_its_end_is_reported_after_a_later_run_of_ours() {
    let mut host = with_a_run_whose_end_is_reported_late();
    let chain = host.request("again", &id("db"));
    host.hour();
    host.run_for(10 * MINUTE_MS);
    assert_eq!(made(&host), "db db app");
    assert_eq!(states(&host, &chain), "db succeeded, app succeeded");
    assert_eq!(host.records.len(), 2);
    host.keeps_the_laws();
}

#[test]
fn it_is_not_a_root_after_hours_of_waiting_for_a_person() {
    for is_done_by_hand in [false, true] {
        let mut host = with_a_lost_answer(Fate::Unconfirmed);
        if is_done_by_hand {
            host.deliver(Event::DoneByHand {
                stack: id("db"),
                by: "carol".to_owned(),
                reason: None,
            });
        } else {
            let chain = host.only_chain();
            host.control(&chain, Control::Cancel);
        }
        for _ in 0..3 {
            host.hour();
        }
        host.confirms("db", true);
        host.hour();
        assert_eq!(
            host.world.runs[run_of(&host, "db")].facts.state,
            RunState::Finished
        );
        assert_eq!(host.records.len(), 1, "done by hand: {is_done_by_hand}");
        host.keeps_the_laws();
    }
}

#[test]
fn it_is_stopped_with_its_chain() {
    for is_after_the_answer in [false, true] {
        let mut host = with_a_lost_answer(Fate::Unconfirmed);
        while is_after_the_answer && !host.has_ended("db") {
            host.run_for(1);
        }
        let chain = host.only_chain();
        host.control(&chain, Control::CancelAndStopRuns);
        host.hour();
        host.hour();
        let state = &host.world.runs[run_of(&host, "db")].facts.state;
        assert!(
            matches!(state, RunState::Canceled | RunState::Discarded),
            "{state}, after the answer: {is_after_the_answer}"
        );
        assert_eq!((made(&host).as_str(), host.records.len()), ("db", 1));
        host.keeps_the_laws();
    }
}

/// The run is confirmed before it can be stopped. Meanwhile Spacelift hides it for a while, or we get a new API key.
#[test]
fn it_is_not_a_root_if_it_could_not_be_stopped() {
    for is_hidden in [false, true] {
        let mut host = with_a_lost_answer(Fate::Unconfirmed);
        let chain = host.only_chain();
        host.control(&chain, Control::CancelAndStopRuns);
        let (at, stack) = (run_of(&host, "db"), id("db"));
        while host.schedule.stack_report(&stack, host.now_ms).run.is_none() {
            host.run_for(1);
        }
        host.world.step_ms = 8 * 60 * MINUTE_MS;
        host.confirms("db", true);
        host.hour();
        host.hour();
        assert!(!host.world.runs[at].is_over());
        if is_hidden {
            let run = RunFacts::gone(host.world.runs[at].facts.id.clone(), host.now_ms / 1000);
            let stack = stack.clone();
            host.deliver(Event::RunEnded { stack, run });
            host.run_for(MINUTE_MS);
        }
        host.world.enter(at, RunState::Finished, host.now_ms);
        let run = RunFacts {
            ours: is_hidden,
            ..host.world.runs[at].facts.clone()
        };
        host.deliver(Event::RunEnded { stack, run });
        host.run_for(MINUTE_MS);
        assert_eq!(host.records.len(), 1, "hidden: {is_hidden}");
        host.keeps_the_laws();
    }
}

/// The attempt is still open when the run already waits for a person, which is reported once.
#[test]
fn what_is_reported_during_the_attempt_is_known_after_it() {
    for control in [Control::Cancel, Control::CancelAndStopRuns] {
        let mut host = host("vpc; db: vpc; app: db");
        host.fate("db", Fate::Unconfirmed);
        host.pushes("vpc");
        while host.records.is_empty() {
            host.run_for(1);
        }
        (host.faults.ambiguous, host.faults.delay_ms, host.world.step_ms) = (1_000, 600_000, 10);
        while !host.has_answer("db") {
            host.run_for(1);
        }
        (host.faults.ambiguous, host.faults.delay_ms) = (0, 1);
        host.run_for(1_000);
        assert_eq!(
            host.world.runs[run_of(&host, "db")].facts.state,
            RunState::Unconfirmed
        );
        while !host.has_ended("db") {
            host.run_for(1);
        }
        let chain = host.only_chain();
        host.control(&chain, control);
        for _ in 0..30 {
            host.hour();
        }
        let ended = host.world.runs[run_of(&host, "db")].facts.state == RunState::Discarded;
        assert_eq!(ended, control == Control::CancelAndStopRuns);
        host.confirms("db", true);
        host.hour();
        assert_eq!(host.records.len(), 1, "{control:?}");
        host.keeps_the_laws();
    }
}

/// The run began too early to serve the other chain, and would hold it up.
#[test]
fn it_is_stopped_also_if_another_attempt_finds_it() {
    let mut host = host("vpc; other; db: vpc other");
    host.fate("db", Fate::Unconfirmed);
    host.faults.ambiguous = 1_000;
    host.pushes("vpc");
    while made(&host) != "db" {
        host.run_for(1);
    }
    host.faults.ambiguous = 0;
    host.world.step_ms = 600_000;
    while !host.has_ended("db") {
        host.run_for(1);
    }
    let chain = host.only_chain();
    host.control(&chain, Control::CancelAndStopRuns);
    let first = run_of(&host, "db");
    while host.world.runs[first].facts.state != RunState::Planning {
        host.run_for(1_000);
    }
    host.world.step_ms = 10;
    host.pushes("other");
    host.hour();
    assert_eq!(host.world.runs[first].facts.state, RunState::Stopped);
    assert_eq!(made(&host), "db db");
    assert_eq!(host.records.len(), 2);
    host.keeps_the_laws();
}

/// The next attempt saw nothing, and triggered another run.
#[test]
fn a_run_that_is_created_after_the_next_attempt_is_not_a_root() {
    let mut host = host("vpc; db: vpc; app: db");
    host.faults.late_created = 1_000;
    host.pushes("vpc");
    while !host.has_answer("db") {
        host.run_for(1);
    }
    host.faults.late_created = 0;
    host.hour();
    assert_eq!(made(&host).split(' ').filter(|stack| *stack == "db").count(), 2);
    assert_eq!(host.records.len(), 1, "{}", made(&host));
    assert_eq!(states(&host, &host.only_chain()), "db succeeded, app succeeded");
}

/// The first chain was cancelled without its runs, the second one with its runs, and nobody knows which run is whose.
#[test]
fn a_run_that_may_be_of_a_chain_cancelled_without_its_runs_continues() {
    let mut host = host("vpc; other; db: vpc other");
    host.fate("db", Fate::Unconfirmed);
    host.world.step_ms = 10;
    host.faults.late_created = 1_000;
    host.pushes("vpc");
    while !host.has_ended("db") {
        host.run_for(1);
    }
    let first = host.only_chain();
    host.control(&first, Control::Cancel);
    (host.faults.late_created, host.faults.ambiguous) = (0, 1_000);
    host.pushes("other");
    while made(&host) != "db" {
        host.run_for(1);
    }
    host.faults.ambiguous = 0;
    let second = host
        .records
        .keys()
        .find(|chain| **chain != first)
        .unwrap()
        .clone();
    host.control(&second, Control::CancelAndStopRuns);
    host.hour();
    let runs: Vec<usize> = (0..host.world.runs.len())
        .filter(|at| host.world.runs[*at].facts.ours)
        .collect();
    let states = runs.iter().map(|at| host.world.runs[*at].facts.state.to_string());
    assert_eq!(states.collect::<Vec<_>>(), ["UNCONFIRMED", "QUEUED"]);
    for run in runs {
        host.person_decides(run, true);
        host.hour();
    }
    assert_eq!(host.records.len(), 2);
    host.keeps_the_laws();
}

#[test]
fn two_lost_answers_are_not_roots() {
    let mut host = with_a_run_whose_end_is_reported_late();
    host.faults.ambiguous = 1_000;
    let chain = host.request("again", &id("db"));
    while made(&host) != "db db" {
        host.run_for(1);
    }
    host.faults.ambiguous = 0;
    host.hour();
    host.run_for(10 * MINUTE_MS);
    assert_eq!(made(&host), "db db app");
    assert_eq!(states(&host, &chain), "db succeeded, app succeeded");
    assert_eq!(host.records.len(), 2);
    host.keeps_the_laws();
}

/// The runs of ours that the last attempt that triggered a run knew.
fn known_runs(host: &Host, stack: &str) -> Vec<RunId> {
    let mut requests = host.trace.iter().filter_map(|(_, entry)| match entry {
        Entry::Made { request, .. } if request.stack.as_str() == stack => Some(request),
        _ => None,
    });
    requests.next_back().unwrap().known_runs.clone()
}

#[test]
fn an_attempt_knows_the_runs_of_earlier_attempts() {
    let check = |minutes: i64, is_lost: bool| {
        let mut host = host("vpc; db: vpc; app: db");
        host.world.step_ms = 10;
        host.pushes("vpc");
        while made(&host) != "db app" {
            host.run_for(1);
        }
        let run = host.world.runs[run_of(&host, "db")].facts.id.clone();
        // After a while, the chain is over, and nothing happens to the stack.
        host.run_for(minutes * MINUTE_MS);
        if is_lost {
            host.lose();
        }
        let again = host.request("again", &id("db"));
        host.hour();
        assert_eq!(states(&host, &again), "db succeeded, app succeeded");
        let known = known_runs(&host, "db");
        assert!(known.contains(&run), "{minutes} min, lost: {is_lost}");
        host.keeps_the_laws();
    };
    check(0, false);
    check(0, true);
    check(10, false);
}

#[test]
fn a_state_of_an_older_version_knows_our_runs() {
    let mut host = host("vpc; db: vpc; app: db");
    host.pushes("vpc");
    while made(&host) != "db" {
        host.run_for(1_000);
    }
    let at = run_of(&host, "db");
    while host.world.runs[at].facts.began_at_s.is_none() {
        host.run_for(1_000);
    }
    host.run_for(1_000);
    let run = host.world.runs[at].facts.id.clone();
    let mut saved = serde_json::to_value(&host.schedule).unwrap();
    assert!(saved.as_object_mut().unwrap().remove("own_runs").is_some());
    let older: RunId = "00R".parse().unwrap();
    saved["stacks"]["db"]["known_runs"] = serde_json::json!([older]);
    host.schedule = serde_json::from_value(saved).unwrap();
    host.request("again", &id("db"));
    host.hour();
    assert_eq!(made(&host), "db db app");
    assert_eq!(host.records.len(), 2, "our runs are no roots");
    assert_eq!(known_runs(&host, "db"), [older, run]);
    host.keeps_the_laws();
}

/// The first attempt was in doubt. Its run appears during the second one, which triggers another run.
#[test]
fn a_run_that_is_reported_during_the_next_attempt_is_stopped_with_its_chain() {
    let mut host = host("vpc; db: vpc; app: db");
    host.fate("db", Fate::Unconfirmed);
    host.faults.late_created = 1_000;
    host.pushes("vpc");
    while !host.has_ended("db") {
        host.run_for(1);
    }
    host.faults.late_created = 0;
    while tried(&host) != "db db" {
        host.run_for(1);
    }
    host.faults.delay_ms = 3_600_000;
    while made(&host).is_empty() {
        host.run_for(1);
    }
    host.faults.delay_ms = 1;
    host.run_for(2 * MINUTE_MS);
    assert_eq!(made(&host), "db db");
    assert!(
        host.has_answer("db"),
        "the second run is that of the first attempt"
    );
    let late = host.world.runs[run_of(&host, "db")].facts.clone();
    host.deliver(Event::RunMoved {
        stack: id("db"),
        run: late.clone(),
    });
    while !host.has_ended("db") {
        host.run_for(MINUTE_MS);
    }
    let chain = host.only_chain();
    host.control(&chain, Control::CancelAndStopRuns);
    host.hour();
    let state = &host.world.run(&late.id).unwrap().facts.state;
    assert_eq!(*state, RunState::Canceled);
    assert_eq!(host.records.len(), 1);
    host.keeps_the_laws();
}
