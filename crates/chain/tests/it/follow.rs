//! What is reported to the schedule, and why the rest is ignored.

use chain::follow::{self, IgnoredBecause};
use chain::{Delivery, RunFacts, RunState, StackFacts, event};

use crate::account::{id, stacks};
use crate::deliveries::payload;

/// Whether a state is reported, after the one before.
fn is_reported(before: Option<&str>, state: &str) -> bool {
    let run = RunFacts {
        state: RunState::from(state),
        gone: false,
        ..RunFacts::gone("01J".parse().unwrap(), 0)
    };
    let before = before.map(RunState::from);
    follow::changes_a_decision(&run, before.as_ref())
}

#[test]
fn states_that_change_a_decision_are_reported_once() {
    for state in ["UNCONFIRMED", "PENDING_REVIEW", "READY", "APPLYING"] {
        assert!(is_reported(None, state), "{state}");
        assert!(is_reported(Some("QUEUED"), state), "{state}");
        assert!(!is_reported(Some(state), state), "{state}");
    }
    for state in ["QUEUED", "PREPARING", "PLANNING", "CONFIRMED"] {
        assert!(!is_reported(None, state), "{state}");
        assert!(!is_reported(Some("QUEUED"), state), "{state}");
        for before in ["READY", "UNCONFIRMED", "PENDING_REVIEW"] {
            assert!(is_reported(Some(before), state), "{state} after {before}");
        }
    }
}

#[test]
fn a_run_of_another_spillway_is_reported_in_any_state() {
    let run = RunFacts {
        state: RunState::Planning,
        gone: false,
        other_spillway: Some("elsewhere".to_owned()),
        ..RunFacts::gone("01J".parse().unwrap(), 0)
    };
    assert!(follow::changes_a_decision(&run, Some(&RunState::Queued)));
    assert!(!follow::changes_a_decision(&run, Some(&RunState::Planning)));
}

#[test]
fn the_begin_of_a_run_is_reported_unless_a_key_triggered_it() {
    let begins = |by: Option<&str>, state: RunState| {
        let Ok(Delivery::Run(mut event)) = event::parse(payload("run_tracked_queued").as_bytes()) else {
            panic!("it is a run");
        };
        event.triggered_by = by.map(str::to_owned);
        event.state = state;
        follow::begins(&event)
    };
    for (by, state, expected) in [
        (None, RunState::Queued, true),
        (Some("alice"), RunState::Queued, true),
        (Some("trigger policy"), RunState::Planning, true),
        (Some("api::01JKEY"), RunState::Queued, false),
        (None, RunState::Finished, false),
        (Some("alice"), RunState::Failed, false),
    ] {
        assert_eq!(begins(by, state.clone()), expected, "{by:?} {state}");
    }
}

#[test]
fn a_run_is_gone_once_patience_is_over() {
    for (since_ms, now_ms, expected) in [
        (None, 9_000, false),
        (Some(1_000), 5_999, false),
        (Some(1_000), 6_000, true),
        (Some(1_000), 9_000, true),
    ] {
        assert_eq!(follow::is_gone(since_ms, now_ms, 5_000), expected, "{since_ms:?}");
    }
}

#[test]
fn a_run_waits_long_for_a_worker_after_an_hour() {
    for (state, waited_s, expected) in [
        (RunState::Queued, 3_599, false),
        (RunState::Queued, 3_600, true),
        (RunState::Ready, 7_200, true),
        (RunState::Unconfirmed, 7_200, false),
        (RunState::Applying, 7_200, false),
    ] {
        assert_eq!(
            follow::waits_long_for_worker(&state, 100, 100 + waited_s),
            expected,
            "{state} for {waited_s} s"
        );
    }
}

#[test]
fn a_request_is_ignored_for_a_reason_that_says_what_to_change() {
    let network = stacks("network").remove(0);
    let disabled = StackFacts {
        disabled: true,
        ..network.clone()
    };
    let labelled = StackFacts {
        labels: vec!["spillway:ignore=true".to_owned()],
        ..disabled.clone()
    };
    let stack = id("network");
    for (facts, expected) in [
        (Some(network.clone()), Ok(network)),
        (None, Err(IgnoredBecause::NoStack { stack: stack.clone() })),
        (
            Some(disabled),
            Err(IgnoredBecause::Disabled { stack: stack.clone() }),
        ),
        (
            Some(labelled),
            Err(IgnoredBecause::Label { stack: stack.clone() }),
        ),
    ] {
        assert_eq!(follow::requested_stack(&stack, facts), expected);
    }
    let (acme, acmee) = ("acme".parse().unwrap(), "acmee".parse().unwrap());
    assert_eq!(follow::check_account(&acme, &acme), Ok(()));
    let other = follow::check_account(&acmee, &acme).unwrap_err();
    assert_eq!(
        other.to_string(),
        "our key belongs to the account `acme`, not to `acmee`"
    );
}

#[test]
fn a_run_is_reported_late_more_than_a_day_after_its_end() {
    const DAY_MS: i64 = 86_400_000;
    for (reported_at_ms, expected) in [
        (5_000, false),
        (10_000, false),
        (10_000 + DAY_MS, false),
        (10_001 + DAY_MS, true),
        (i64::MAX, true),
    ] {
        assert_eq!(
            follow::is_reported_late(10, reported_at_ms),
            expected,
            "{reported_at_ms}"
        );
    }
}
