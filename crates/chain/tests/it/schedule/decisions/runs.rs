//! What the facts of one run say about it.

use chain::attempt::{RunFacts, waits_for_person};
use chain::{CommitSha, RunState};

use super::run;

#[test]
fn which_runs_are_pushes() {
    for (text, is_push) in [
        ("push 1", true),
        ("push 1 QUEUED", true),
        ("push 1 FINISHED proposed", false),
        ("drift 1", false),
        ("bob 1", false),
        ("us 1", false),
    ] {
        assert_eq!(run(1, text).is_push(), is_push, "{text}");
    }
    let push = run(3, "push 1").as_push();
    assert_eq!((push.at_s, push.run.as_str()), (300, "R3"));
}

#[test]
fn which_runs_are_tracked() {
    for (text, is_tracked) in [
        ("us 1", true),
        ("drift 1", true),
        ("us 1 FINISHED proposed", false),
    ] {
        assert_eq!(run(1, text).is_tracked(), is_tracked, "{text}");
    }
}

#[test]
fn which_ended_runs_may_have_changed_resources() {
    for (state, changed, may_have) in [
        ("FINISHED", Some(true), true),
        ("FAILED", Some(true), true),
        ("STOPPED", Some(true), true),
        ("FINISHED", Some(false), false),
        ("FAILED", None, false),
        ("DISCARDED", Some(true), false),
        ("CANCELED", Some(true), false),
        ("SKIPPED", Some(true), false),
        ("APPLYING", Some(true), false),
    ] {
        let run = RunFacts {
            changed,
            ..run(1, &format!("us 1 {state}"))
        };
        assert_eq!(run.may_have_applied(), may_have, "{state} {changed:?}");
    }
}

#[test]
fn which_states_wait_for_a_person() {
    for state in RunState::ALL {
        let expected = match state {
            RunState::Unconfirmed => Some("waits for a confirmation"),
            RunState::PendingReview => Some("waits for a review"),
            _ => None,
        };
        assert_eq!(waits_for_person(state), expected, "{state}");
        assert_eq!(
            run(1, &format!("us 1 {state}")).waits_for_person(),
            expected,
            "{state}"
        );
    }
}

/// A stack with no visible run must not wait for it for ever, and nothing may follow from an end that nobody saw.
#[test]
fn a_run_that_is_not_shown_any_more_counts_as_cancelled() {
    let gone = RunFacts::gone("R1".parse().unwrap(), 9);
    assert!(gone.gone && gone.is_tracked() && !gone.ours);
    assert!(gone.state.is_terminal() && !gone.state.succeeded() && !gone.may_have_applied());
    assert_eq!((gone.created_at_s, gone.changed_at_s), (9, 9));
}

#[test]
fn a_commit_is_shown_in_full_or_short() {
    let commit = CommitSha::new("abcdef0123").unwrap();
    assert_eq!(
        (format!("{commit:>12}").as_str(), commit.short()),
        ("  abcdef0123", "abcdef0")
    );
}
