//! Reports about runs that were looked at: late, early, repeated, and about other runs of the stack.

use chain::attempt::RunFacts;
use chain::schedule::{Control, Decision, Event};
use chain::{RunId, RunState};

use super::{host, host_with, made, run_of, settings, tried, why};
use crate::account::id;
use crate::schedule::host::{Entry, Host};
use crate::schedule::world::{Fate, Run};

impl Host {
    fn reports(&mut self, stack: &str, run: &RunFacts, state: RunState) {
        let run = RunFacts { state, ..run.clone() };
        self.deliver(Event::RunMoved {
            stack: id(stack),
            run,
        });
    }

    fn begins(&mut self, stack: &str, run: &str) -> RunId {
        let run: RunId = run.parse().unwrap();
        self.deliver(Event::RunBegan {
            stack: id(stack),
            run: run.clone(),
        });
        run
    }
}

/// A run of `app`, for a chain, that was triggered a moment ago.
fn with_a_run() -> (Host, RunFacts) {
    let mut host = host("a; app: a");
    host.fate("app", Fate::Stays);
    host.pushes("a");
    while !why(&host, "app").starts_with("its run 01R") {
        host.run_for(100);
    }
    let run = host.world.runs[run_of(&host, "app")].facts.clone();
    (host, run)
}

#[test]
fn a_look_at_a_run_says_what_it_does() {
    let (mut host, run) = with_a_run();
    for (state, expected) in [
        (RunState::Queued, "is running"),
        (RunState::Ready, "waits for a worker"),
        (RunState::Unconfirmed, "waits for a person"),
        // The end is reported by another event.
        (RunState::Finished, "waits for a person"),
        (RunState::Applying, "is applying"),
    ] {
        host.reports("app", &run, state.clone());
        let expected = format!("its run {} {expected}", run.id);
        assert_eq!(why(&host, "app"), expected, "{state}");
    }
}

#[test]
fn a_queued_run_is_behind_older_ones_only() {
    for (other, expected) in [("00R", "is queued behind run 00R"), ("99R", "is running")] {
        let (mut host, run) = with_a_run();
        host.begins("app", other);
        host.reports("app", &run, RunState::Queued);
        assert_eq!(why(&host, "app"), format!("its run {} {expected}", run.id));
    }
}

#[test]
fn a_queued_run_works_once_the_run_before_it_has_ended() {
    let (mut host, run) = with_a_run();
    let before = host.begins("app", "00R");
    host.reports("app", &run, RunState::Queued);
    host.deliver(Event::RunEnded {
        stack: id("app"),
        run: RunFacts::gone(before, run.created_at_s),
    });
    assert_eq!(why(&host, "app"), format!("its run {} is running", run.id));
}

#[test]
fn a_look_at_another_run_of_the_stack_says_nothing_about_the_one_that_serves() {
    let (mut host, run) = with_a_run();
    let other = RunFacts {
        id: host.begins("app", "99R"),
        ours: false,
        ..run.clone()
    };
    host.reports("app", &other, RunState::Unconfirmed);
    assert_eq!(why(&host, "app"), format!("its run {} is running", run.id));
}

#[test]
fn a_run_queued_behind_one_that_waits_for_a_person_is_not_waited_for() {
    let mut host = host("a; b; app: a b");
    let run = RunFacts {
        ours: false,
        ..RunFacts::gone("01X".parse().unwrap(), 7)
    };
    for (run_id, state) in [("01X", RunState::Unconfirmed), ("01Y", RunState::Queued)] {
        let id = host.begins("b", run_id);
        host.reports("b", &RunFacts { id, ..run.clone() }, state);
    }
    host.pushes("a");
    while !host.world.runs.iter().all(Run::is_over) {
        host.run_for(1_000);
    }
    host.run_for(2_000);
    assert_eq!(made(&host), "app");
}

#[test]
fn the_end_of_a_drift_run_starts_a_chain_only_if_the_settings_say_so() {
    for (drift_runs, expected) in [(false, ""), (true, "app")] {
        let mut host = host_with("a; app: a", settings(|settings| settings.drift_runs = drift_runs));
        host.world.drift(&id("a"), host.now_ms);
        host.hour();
        assert!(host.world.runs[0].is_over());
        assert_eq!(made(&host), expected, "drift_runs: {drift_runs}");
        host.keeps_the_laws();
    }
}

/// The run is triggered, and the attempt has not reported so yet.
fn with_an_open_attempt() -> (Host, RunFacts) {
    let mut host = host("a; app: a");
    host.fate("app", Fate::Stays);
    host.faults.delay_ms = 5_000;
    host.pushes("a");
    while !host.has_answer("app") {
        host.run_for(1);
    }
    let run = host.world.runs[run_of(&host, "app")].facts.clone();
    (host, run)
}

fn after_the_answer(host: &mut Host) -> String {
    while host.has_answer("app") {
        host.run_for(1);
    }
    why(host, "app")
}

#[test]
fn the_last_report_about_a_run_of_an_open_attempt_counts() {
    let (mut host, run) = with_an_open_attempt();
    for state in [RunState::Planning, RunState::Unconfirmed] {
        host.reports("app", &run, state);
        assert_eq!(why(&host, "app"), "its run is being triggered");
    }
    let expected = format!("its run {} waits for a person", run.id);
    assert_eq!(after_the_answer(&mut host), expected);
}

#[test]
fn the_end_of_somebody_elses_run_during_an_attempt_makes_it_a_root() {
    let (mut host, run) = with_an_open_attempt();
    let other = RunFacts {
        id: "99R".parse().unwrap(),
        state: RunState::Finished,
        ours: false,
        ..run
    };
    host.deliver(Event::RunEnded {
        stack: id("app"),
        run: other,
    });
    after_the_answer(&mut host);
    let not_a_root = |entry: &Entry| matches!(entry, Entry::Decided(Decision::NotARoot { .. }));
    assert!(!host.trace.iter().any(|(_, entry)| not_a_root(entry)));
}

#[test]
fn a_late_report_about_a_run_of_an_open_attempt_does_not_hide_its_end() {
    let (mut host, run) = with_an_open_attempt();
    let ended = RunFacts {
        state: RunState::Finished,
        began_at_s: Some(run.created_at_s),
        ..run.clone()
    };
    host.deliver(Event::RunEnded {
        stack: id("app"),
        run: ended,
    });
    host.reports("app", &run, RunState::Unconfirmed);
    assert_eq!(after_the_answer(&mut host), "no chain needs it");
}

#[test]
fn a_late_report_about_a_run_that_ended_does_not_make_its_stack_busy() {
    let mut host = host("a; app: a");
    // After a lost answer, an unknown run of our key can be ours.
    host.faults.ambiguous = 1_000;
    host.pushes("a");
    while made(&host).is_empty() {
        host.run_for(1);
    }
    host.faults.ambiguous = 0;
    host.run_for(600_000);
    let run = host.world.runs[run_of(&host, "app")].facts.clone();
    assert_eq!(run.state, RunState::Finished);
    assert_eq!(why(&host, "app"), "no chain needs it");
    host.reports("app", &run, RunState::Queued);
    assert_eq!(why(&host, "app"), "no chain needs it");
}

#[test]
fn reports_about_another_run_of_ours_during_an_attempt_hide_nothing() {
    let (mut host, run) = with_an_open_attempt();
    let other = RunFacts {
        id: "00R".parse().unwrap(),
        ..run.clone()
    };
    host.reports("app", &run, RunState::Unconfirmed);
    host.reports("app", &other, RunState::Planning);
    let expected = format!("its run {} waits for a person", run.id);
    assert_eq!(after_the_answer(&mut host), expected);

    let (mut host, run) = with_an_open_attempt();
    host.deliver(Event::RunEnded {
        stack: id("app"),
        run: RunFacts {
            state: RunState::Finished,
            ..other.clone()
        },
    });
    host.reports("app", &run, RunState::Unconfirmed);
    assert_eq!(after_the_answer(&mut host), expected);

    let (mut host, run) = with_an_open_attempt();
    for id in [&run.id, &other.id] {
        let run = RunFacts {
            id: id.clone(),
            state: RunState::Finished,
            ..run.clone()
        };
        host.deliver(Event::RunEnded {
            stack: crate::account::id("app"),
            run,
        });
    }
    assert_eq!(after_the_answer(&mut host), "no chain needs it");
}

#[test]
fn a_run_that_was_not_shown_for_a_while_is_followed_again() {
    let (mut host, run) = with_a_run();
    host.deliver(Event::RunEnded {
        stack: id("app"),
        run: RunFacts::gone(run.id.clone(), run.created_at_s),
    });
    host.run_for(1_000);
    assert_eq!(why(&host, "app"), "no chain needs it");
    host.request("again", &id("app"));
    host.run_for(5_000);
    host.reports("app", &run, RunState::Unconfirmed);
    let expected = format!("its run {} waits for a person", run.id);
    assert_eq!(why(&host, "app"), expected);
}

#[test]
fn a_late_beginning_of_a_run_of_ours_does_not_make_its_stack_busy() {
    let mut host = host("a; app: a");
    host.pushes("a");
    host.hour();
    let ours = host.world.runs[run_of(&host, "app")].facts.id.clone();
    // It keeps the stack from being forgotten.
    host.fate("app", Fate::Unconfirmed);
    host.world.person(&id("app"), 0, host.now_ms);
    host.hour();
    host.hour();
    let open = host.world.runs[run_of(&host, "app")].facts.id.clone();
    host.begins("app", ours.as_str());
    let expected = format!("no chain needs it; run {open} is under way");
    assert_eq!(why(&host, "app"), expected);
}

/// The answer to the trigger of the run of `b` is lost, and its chain is cancelled.
#[test]
fn a_run_that_may_be_ours_is_not_waited_for_behind_one_that_waits_for_a_person() {
    let mut host = host("a; b; app: a b");
    host.fate("b", Fate::Unconfirmed);
    host.world.person(&id("b"), 0, host.now_ms);
    host.run_for(120_000);
    host.faults.ambiguous = 1_000;
    let chain = host.request("one", &id("b"));
    while made(&host) != "b" {
        host.run_for(1);
    }
    host.faults.ambiguous = 0;
    while !host.has_ended("b") {
        host.run_for(1);
    }
    host.control(&chain, Control::Cancel);
    let run = host.world.runs[run_of(&host, "b")].facts.clone();
    host.reports("b", &run, RunState::Queued);
    host.pushes("a");
    host.run_for(300_000);
    assert_eq!(made(&host), "b app");
}

/// Ends are remembered for an hour.
#[test]
fn a_late_report_during_a_long_attempt_does_not_hide_an_end() {
    let mut host = host("a; app: a");
    host.fate("app", Fate::Stays);
    host.pushes("a");
    while tried(&host).is_empty() {
        host.run_for(1);
    }
    host.faults.delay_ms = 100_000_000;
    while made(&host).is_empty() {
        host.run_for(1);
    }
    host.faults.delay_ms = 1;
    let run = host.world.runs[run_of(&host, "app")].facts.clone();
    let ended = RunFacts {
        state: RunState::Finished,
        began_at_s: Some(run.created_at_s),
        ..run.clone()
    };
    host.deliver(Event::RunEnded {
        stack: id("app"),
        run: ended,
    });
    host.hour();
    host.hour();
    host.reports("app", &run, RunState::Unconfirmed);
    while host.has_answer("app") {
        assert_eq!(why(&host, "app"), "its run is being triggered");
        host.run_for(600_000);
    }
    assert_eq!(why(&host, "app"), "no chain needs it");
}
