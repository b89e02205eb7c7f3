//! Which events are worth recording.

use chain::event;
use chain::{Delivery, RunEvent, RunState, RunType};

use crate::deliveries::payload;

#[test]
fn only_events_that_can_change_a_decision_are_recorded() {
    let now_ms = 1_745_600_000_000;
    let event = |change: &dyn Fn(&mut RunEvent)| {
        let Ok(Delivery::Run(mut event)) = event::parse(payload("run_tracked_queued").as_bytes()) else {
            panic!("it is a run");
        };
        event.timestamp_ms = now_ms;
        change(&mut event);
        let ours = "acme".parse().unwrap();
        event::why_irrelevant(&event, Some(&ours), false, now_ms).map(|why| why.code())
    };
    let state = |state: RunState| event(&move |event| event.state = state.clone());
    let later = |state: RunState| {
        event(&move |event| {
            event.state = state.clone();
            event.state_version = Some(4);
        })
    };
    for recorded in [
        RunState::Queued,
        RunState::Unconfirmed,
        RunState::PendingReview,
        RunState::Finished,
        RunState::Failed,
        RunState::Skipped,
    ] {
        assert_eq!(later(recorded.clone()), None, "{recorded}");
    }
    for passed_over in [
        RunState::Planning,
        RunState::Preparing,
        RunState::Ready,
        RunState::Applying,
        RunState::Confirmed,
    ] {
        assert_eq!(later(passed_over.clone()), Some("progress"), "{passed_over}");
    }
    // The first event of a run counts, whatever its state.
    assert_eq!(
        event(&|event| {
            event.state = RunState::Ready;
            event.state_version = Some(1);
        }),
        None
    );
    assert_eq!(state(RunState::Queued), None);
    assert_eq!(
        event(&|event| event.run_type = RunType::Proposed),
        Some("run_type")
    );
    assert_eq!(
        event(&|event| event.account = "other".parse().unwrap()),
        Some("other_account")
    );
    assert_eq!(
        event(&|event| event.timestamp_ms = now_ms - 25 * 3_600_000),
        Some("too_old")
    );
    assert_eq!(
        event(&|event| event.timestamp_ms = now_ms + 11 * 60_000),
        Some("from_the_future")
    );
}

#[test]
fn the_end_of_a_proposed_run_is_recorded_for_pull_requests_alone() {
    let now_ms = 1_745_600_000_000;
    let why = |run_type: RunType, state: RunState, pull_requests: bool| {
        let Ok(Delivery::Run(mut event)) = event::parse(payload("run_tracked_queued").as_bytes()) else {
            panic!("it is a run");
        };
        event.timestamp_ms = now_ms;
        (event.run_type, event.state) = (run_type, state);
        event::why_irrelevant(&event, None, pull_requests, now_ms).map(|why| why.code())
    };
    assert_eq!(why(RunType::Proposed, RunState::Finished, true), None);
    for (run_type, state, pull_requests) in [
        (RunType::Proposed, RunState::Finished, false),
        (RunType::Proposed, RunState::Failed, true),
        (RunType::Proposed, RunState::Queued, true),
        (RunType::Task, RunState::Finished, true),
    ] {
        assert_eq!(why(run_type, state, pull_requests), Some("run_type"));
    }
}

#[test]
fn an_event_is_too_old_after_a_day_and_too_early_before_ten_minutes() {
    const HOUR_MS: i64 = 3_600_000;
    let now_ms = 1_745_600_000_000;
    let why = |age_ms: i64| {
        let Ok(Delivery::Run(mut event)) = event::parse(payload("run_tracked_queued").as_bytes()) else {
            panic!("it is a run");
        };
        event.timestamp_ms = now_ms - age_ms;
        event::why_irrelevant(&event, None, false, now_ms).map(|why| why.to_string())
    };
    for (age_ms, expected) in [
        (24 * HOUR_MS, None),
        (24 * HOUR_MS + 1, Some("the event is 24 hours old")),
        (48 * HOUR_MS - 1, Some("the event is 47 hours old")),
        (75 * HOUR_MS, Some("the event is 3 days old")),
        (48 * HOUR_MS, Some("the event is 2 days old")),
        (-600_000, None),
        (-660_000, Some("it is 11 minutes ahead of this clock")),
    ] {
        assert_eq!(why(age_ms).as_deref(), expected, "{age_ms}");
    }
}
