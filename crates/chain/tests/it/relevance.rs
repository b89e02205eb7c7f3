//! Which events are worth recording.

use chain::event;
use chain::{Delivery, RunEvent, RunState, RunType};

use crate::deliveries::payload;

#[test]
fn only_what_can_change_a_decision_is_recorded() {
    let now_ms = 1_745_600_000_000;
    let event = |change: &dyn Fn(&mut RunEvent)| {
        let Ok(Delivery::Run(mut event)) = event::parse(payload("run_tracked_queued").as_bytes()) else {
            panic!("it is a run");
        };
        event.timestamp_ms = now_ms;
        change(&mut event);
        let ours = "acme".parse().unwrap();
        event::why_irrelevant(&event, Some(&ours), now_ms).map(|why| why.code())
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
    // The first word of a run counts, whatever it says.
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
