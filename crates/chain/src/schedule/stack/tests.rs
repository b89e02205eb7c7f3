//! Tests of what a stack knows.

use super::{Doubt, Held, Hold, HoldKind, Phase, RunFacts, RunId, RunState, Seen, Stack, UsedRun};

#[test]
fn a_stack_is_only_for_a_cause_if_all_that_happens_is() {
    let run = |causes: &[u32]| UsedRun {
        causes: causes.to_vec(),
        ..UsedRun::new("01R".parse().unwrap(), true, Seen::default())
    };
    for (attempt, used, has_others, expected) in [
        (None, None, false, true),
        (Some(vec![7]), None, false, true),
        (Some(vec![8]), None, false, false),
        (None, Some(run(&[7, 8])), false, true),
        (None, Some(run(&[8])), false, false),
        (Some(vec![7]), Some(run(&[8])), false, false),
        (Some(vec![8]), Some(run(&[7])), false, false),
        (None, None, true, false),
        (Some(vec![7]), Some(run(&[7])), true, false),
    ] {
        let mut stack = Stack {
            attempt,
            run: used,
            ..Stack::default()
        };
        let other: RunId = "02R".parse().unwrap();
        stack
            .others
            .extend(has_others.then_some((other, Seen::default())));
        assert_eq!(stack.is_only_for(7), expected, "{stack:?}");
    }
}

#[test]
fn the_state_of_a_run_says_what_it_waits_for() {
    let phase = |state: RunState, behind| {
        let gone = RunFacts::gone("01R".parse().unwrap(), 7);
        Phase::of(&RunFacts { state, ..gone }, behind)
    };
    let rows = [
        (RunState::Unconfirmed, Phase::WaitsForPerson),
        (RunState::PendingReview, Phase::WaitsForPerson),
        (RunState::Confirmed, Phase::Applying),
        (RunState::PreparingApply, Phase::Applying),
        (RunState::Applying, Phase::Applying),
        (RunState::Ready, Phase::Ready { since_s: 7 }),
        (RunState::Pending, Phase::Behind),
        (RunState::Planning, Phase::Working),
    ];
    for (state, expected) in rows {
        assert_eq!(phase(state.clone(), false), expected, "{state:?}");
    }
    assert_eq!(phase(RunState::Queued, false), Phase::Working);
    assert_eq!(phase(RunState::Queued, true), Phase::Behind);
}

#[test]
fn a_run_from_before_the_end_of_a_doubt_may_be_the_doubted_one() {
    let stack = |settled_ms| Stack {
        doubt: Some(Doubt {
            since_ms: 1_000,
            causes: vec![7],
            settled_ms,
            stop: None,
        }),
        ..Stack::default()
    };
    let run = |ours, created_at_s| RunFacts {
        ours,
        ..RunFacts::gone("01R".parse().unwrap(), created_at_s)
    };
    for (settled_ms, ours, created_at_s, expected) in [
        (None, true, 9, true),
        (None, false, 9, false),
        (Some(5_999), true, 5, true),
        (Some(5_999), true, 6, false),
        (Some(5_999), false, 5, false),
    ] {
        let may_have_made = stack(settled_ms).may_have_made(&run(ours, created_at_s));
        assert_eq!(may_have_made, expected, "{settled_ms:?} {ours} {created_at_s}");
    }
    assert!(!Stack::default().may_have_made(&run(true, 5)));
}

#[test]
fn each_run_was_seen_for_itself() {
    let seen = |at_ms| Seen {
        phase: Phase::Applying,
        at_ms,
    };
    let id = |text: &str| text.parse::<RunId>().unwrap();
    let mut stack = Stack {
        run: Some(UsedRun::new(id("01R"), true, seen(1))),
        ..Stack::default()
    };
    stack.others.insert(id("02R"), seen(2));
    assert_eq!(stack.seen(&id("01R")), Some(seen(1)));
    assert_eq!(stack.seen(&id("02R")), Some(seen(2)));
    assert_eq!(stack.seen(&id("03R")), None);
}

#[test]
fn a_stack_is_held_until_it_is_tried_again() {
    let stack = |not_waited_for, again_at_ms| Stack {
        hold: Some(Held {
            hold: Hold::new(HoldKind::Lock, "locked".to_owned()),
            again_at_ms,
            not_waited_for,
        }),
        ..Stack::default()
    };
    assert!(stack(true, 101).is_held(100));
    assert!(!stack(true, 100).is_held(100));
    assert!(!stack(false, 101).is_held(100));
    assert!(!Stack::default().is_held(100));
}
