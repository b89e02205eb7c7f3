//! What a new schedule makes of the records.

use chain::attempt::AttemptOutcome;
use chain::record::{Outcome, StackChange};
use chain::schedule::{Control, Effect, Event, Rebuilt};
use chain::{
    ChainRecord, Change, OnFailure, Reason, ReasonCode, RunFacts, RunId, RunState, Schedule,
    ScheduleSettings, StackId,
};

use super::{MINUTE_MS, host, host_with, made, run_of, settings, states};
use crate::account::id;
use crate::schedule::host::{Host, account};
use crate::schedule::world::Fate;

/// A chain whose record says that a run of `db` is under way.
fn with_a_run() -> (Host, ChainRecord, RunFacts) {
    let mut host = host("vpc; db: vpc");
    host.fate("db", Fate::Unconfirmed);
    host.pushes("vpc");
    host.run_for(10 * MINUTE_MS);
    let chain = host.only_chain();
    assert_eq!(states(&host, &chain), "db running");
    let record = host.records[&chain].clone();
    let run = host.world.runs[run_of(&host, "db")].facts.clone();
    (host, record, run)
}

fn rebuild(
    host: &Host,
    settings: ScheduleSettings,
    chains: Vec<ChainRecord>,
    runs: Vec<(StackId, RunFacts)>,
) -> Schedule {
    let mut schedule = Schedule::new(account(), settings);
    let rebuilt = Rebuilt {
        chains,
        runs,
        now_s: host.now_ms / 1000,
        ..Rebuilt::default()
    };
    schedule.apply(Event::Rebuilt(Box::new(rebuilt)), host.now_ms);
    schedule
}

/// What happens to the stacks of the chains, in order: the stack and the kind of change.
fn changes(schedule: &mut Schedule) -> Vec<(StackId, StackChange)> {
    let changes = schedule.take_all_changes().into_iter();
    let changes = changes.flat_map(|(_, changes)| changes);
    let of_stacks = changes.filter_map(|change| match change {
        Change::Stack { stack, change, .. } => Some((stack, change)),
        _ => None,
    });
    of_stacks.collect()
}

#[test]
fn a_run_that_spacelift_does_not_list_is_looked_at_and_may_take_its_time() {
    let (host, record, run) = with_a_run();
    let hurried = settings(|settings| settings.run_timeout_ms = Some(20 * MINUTE_MS));
    let mut schedule = rebuild(&host, hurried, vec![record], vec![]);
    let effects = schedule.decide(host.now_ms);
    let stack = id("db");
    let look = Effect::Look {
        stack: stack.clone(),
        run: run.id.clone(),
    };
    assert!(effects.contains(&look), "{effects:?}");
    let is_stop = |effect: &Effect| matches!(effect, Effect::Stop { .. });
    assert!(!effects.iter().any(is_stop), "{effects:?}");
    let run = RunFacts {
        state: RunState::Finished,
        ..run
    };
    let ended = Event::RunEnded {
        stack: stack.clone(),
        run,
    };
    schedule.apply(ended, host.now_ms);
    let changes = changes(&mut schedule);
    assert!(
        matches!(&changes[..], [(of, StackChange::Ended { .. })] if *of == stack),
        "{changes:?}"
    );
}

#[test]
fn of_two_runs_of_a_stack_one_is_followed_and_the_other_is_looked_for_again() {
    let (mut host, first, run) = with_a_run();
    let again = host.request("again", &id("vpc"));
    host.run_for(10 * MINUTE_MS);
    let mut second = host.records[&again].clone();
    let other = RunFacts {
        id: "99R".parse().unwrap(),
        ..run.clone()
    };
    second.apply(&Change::Stack {
        stack: id("db"),
        change: StackChange::Began {
            run: other.id.clone(),
            made: true,
            commit: None,
            why: None,
        },
        at_ms: host.now_ms,
    });
    let runs = vec![(id("db"), run.clone()), (id("db"), other)];
    let mut schedule = rebuild(&host, ScheduleSettings::default(), vec![first, second], runs);
    let changes = changes(&mut schedule);
    assert!(
        matches!(&changes[..], [(_, StackChange::DueAgain { .. })]),
        "{changes:?}"
    );
    let report = schedule.stack_report(&id("db"), host.now_ms);
    assert_eq!(report.run, Some(run.id));
}

#[test]
fn a_chain_that_is_over_is_not_taken_up() {
    let (mut host, _, _) = with_a_run();
    host.confirms("db", true);
    host.hour();
    let record = host.records[&host.only_chain()].clone();
    assert!(record.is_over());
    let mut schedule = rebuild(&host, ScheduleSettings::default(), vec![record], vec![]);
    schedule.decide(host.now_ms);
    assert_eq!(schedule.take_all_changes(), []);
    assert!(schedule.is_idle());
}

/// The record has the failure of `a`, and not what followed from it.
#[test]
fn what_follows_from_a_failure_is_made_up_for() {
    for (policy, expected) in [
        (OnFailure::SkipDownstream, "a2"),
        (OnFailure::Continue, ""),
        (OnFailure::Stop, "a2 b"),
    ] {
        let policy = settings(|settings| settings.chain.on_failure = policy);
        let mut host = host_with("vpc; a: vpc; b: vpc; a2: a", policy.clone());
        host.locks("a", true);
        host.locks("b", true);
        host.pushes("vpc");
        host.run_for(10 * MINUTE_MS);
        let mut record = host.records[&host.only_chain()].clone();
        record.apply(&Change::Stack {
            stack: id("a"),
            change: StackChange::Ended {
                outcome: Outcome::Failed {
                    reason: Reason::new(ReasonCode::RunFailed, "its run ended as FAILED"),
                },
                run: None,
                commit: None,
                ended_at_s: None,
                by_hand: None,
            },
            at_ms: host.now_ms,
        });
        let mut schedule = rebuild(&host, policy, vec![record], vec![]);
        let skipped = changes(&mut schedule).into_iter().map(|(stack, change)| {
            assert!(matches!(change, StackChange::Ended { .. }), "{change:?}");
            stack.to_string()
        });
        assert_eq!(skipped.collect::<Vec<_>>().join(" "), expected);
    }
}

#[test]
fn what_is_downstream_of_a_stack_done_early_still_waits_for_what_is_upstream() {
    let mut host = host("vpc; a: vpc; db: a; app: db");
    host.locks("a", true);
    host.pushes("vpc");
    host.run_for(5 * MINUTE_MS);
    host.deliver(Event::DoneByHand {
        stack: id("db"),
        by: "carol".to_owned(),
        reason: None,
    });
    host.run_for(5 * MINUTE_MS);
    host.lose();
    host.run_for(30 * MINUTE_MS);
    assert_eq!(made(&host), "");
    host.locks("a", false);
    host.hour();
    assert_eq!(made(&host), "a app");
    host.keeps_the_laws();
}

#[test]
fn a_run_from_before_the_end_of_an_upstream_serves_no_chain() {
    let mut host = host("vpc; a: vpc; app: a");
    host.fate("a", Fate::Unconfirmed);
    host.request("one", &id("vpc"));
    host.run_for(10 * MINUTE_MS);
    host.world.person(&id("app"), 0, host.now_ms);
    host.run_for(10 * MINUTE_MS);
    host.locks("app", true);
    host.confirms("a", true);
    host.run_for(10 * MINUTE_MS);
    host.lose();
    host.locks("app", false);
    host.hour();
    assert_eq!(made(&host), "vpc a app");
    host.keeps_the_laws();
}

/// A lost schedule began an attempt for a chain that is then cancelled with its runs.
#[test]
fn only_a_run_that_serves_no_chain_is_stopped_with_the_chain_of_its_attempt() {
    let (mut host, first, run) = with_a_run();
    let again = host.request("again", &id("db"));
    host.run_for(MINUTE_MS);
    let second = host.records[&again].clone();
    let other: RunId = "99R".parse().unwrap();
    for (found, is_stopped) in [(run.id.clone(), false), (other, true)] {
        let mut schedule = Schedule::new(account(), ScheduleSettings::default());
        let rebuilt = Rebuilt {
            chains: vec![first.clone(), second.clone()],
            runs: vec![(id("db"), run.clone())],
            attempts: vec![id("db")],
            now_s: host.now_ms / 1000,
            ..Rebuilt::default()
        };
        let controlled = Event::Controlled {
            chain: again.clone(),
            control: Control::CancelAndStopRuns,
            by: "carol".to_owned(),
            reason: None,
        };
        let outcome = AttemptOutcome::Run {
            run: RunFacts {
                id: found.clone(),
                ..run.clone()
            },
            made: false,
            chains: vec![again.clone()],
            behind: false,
            chosen: None,
        };
        let attempted = Event::Attempted {
            stack: id("db"),
            outcome,
        };
        for event in [Event::Rebuilt(Box::new(rebuilt)), controlled, attempted] {
            schedule.apply(event, host.now_ms);
        }
        let effects = schedule.decide(host.now_ms);
        let is_stop = |effect: &Effect| matches!(effect, Effect::Stop { run, .. } if *run == found);
        assert_eq!(effects.iter().any(is_stop), is_stopped, "{found}");
    }
}

#[test]
fn a_lost_schedule_knows_the_labels_of_its_stacks() {
    let mut host = host("vpc; a: vpc; a2: a; b: vpc; b2: b");
    host.labels("a", "spillway:on-failure=continue");
    for stack in ["a", "b"] {
        host.locks(stack, true);
        host.fate(stack, Fate::Fails);
    }
    host.pushes("vpc");
    host.run_for(10 * MINUTE_MS);
    host.lose();
    host.locks("a", false);
    host.locks("b", false);
    host.hour();
    assert_eq!(
        states(&host, &host.only_chain()),
        "a failed, b failed, a2 succeeded, b2 skipped"
    );
    host.keeps_the_laws();
}

/// The attempt ended lately, so a new schedule hears of the run twice: from the record and from the attempt.
#[test]
fn a_run_that_failed_around_a_loss_counts_once() {
    let mut host = host_with(
        "vpc; db: vpc; app: db",
        settings(|settings| settings.chain.run_retries = 1),
    );
    host.world.step_ms = 10;
    host.fate("db", Fate::Fails);
    host.pushes("vpc");
    let is_recorded = |host: &Host| {
        let mut records = host.records.values();
        records.any(|record| record.stack(&id("db")).is_some_and(|stack| stack.run.is_some()))
    };
    while !is_recorded(&host) {
        host.run_for(1);
    }
    host.faults.record_unavailable = 1_000;
    let run = run_of(&host, "db");
    while !host.world.runs[run].is_over() {
        host.run_for(1);
    }
    host.lose();
    host.faults.record_unavailable = 0;
    host.fate("db", Fate::Well);
    host.hour();
    assert_eq!(made(&host), "db db app");
    assert_eq!(states(&host, &host.only_chain()), "db succeeded, app succeeded");
    host.keeps_the_laws();
}
