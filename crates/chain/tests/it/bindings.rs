//! Labels that send a message after a run.

use chain::RunState;
use chain::binding::{SlackLabel, named_sinks, targets};
use chain::policy::StackPolicy;

fn labels(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[track_caller]
fn check(texts: &[&str], state: &RunState, expected: &[&str]) {
    let found: Vec<String> = targets(&labels(texts), state)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(found, expected, "{texts:?} {state}");
}

#[test]
fn a_label_binds_a_sink_to_the_ends_of_a_stack() {
    let bound = [
        "spillway:on-completed=smoke-test",
        "spillway: on-failed = pager",
        "depends-on:a",
    ];
    check(&bound, &RunState::Finished, &["smoke-test"]);
    for state in [
        RunState::Failed,
        RunState::Discarded,
        RunState::Stopped,
        RunState::Canceled,
    ] {
        check(&bound, &state, &["pager"]);
    }
    for state in [RunState::Skipped, RunState::Unconfirmed, RunState::Applying] {
        check(&bound, &state, &[]);
    }
    assert_eq!(
        named_sinks(&labels(&bound)).into_iter().collect::<Vec<_>>(),
        ["pager", "smoke-test"]
    );
}

#[test]
fn several_labels_bind_several_sinks_each_once() {
    let bound = [
        "spillway:on-completed=b",
        "spillway:on-completed=a",
        "spillway:on-completed=b",
        "slack:#infra:finished",
        "slack:#infra:FINISHED,failed",
    ];
    check(&bound, &RunState::Finished, &["a", "b", "#infra in Slack"]);
    check(&bound, &RunState::Failed, &["#infra in Slack"]);
}

#[test]
fn a_slack_label_means_the_states_that_it_names_or_failures() {
    check(&["slack:#infra"], &RunState::Failed, &["#infra in Slack"]);
    check(&["slack:#infra"], &RunState::Finished, &[]);
    check(
        &["slack:C123:unconfirmed, failure"],
        &RunState::Unconfirmed,
        &["C123 in Slack"],
    );
    check(
        &["slack:C123:unconfirmed, failure"],
        &RunState::Failed,
        &["C123 in Slack"],
    );
    for other in [
        "slack:",
        "slack",
        "slack: :failed",
        "slacker:#infra",
        "Slack:#infra",
    ] {
        check(&[other], &RunState::Failed, &[]);
    }
    let label = SlackLabel::parse("slack:#infra:planning,finished,nonsense").unwrap();
    let silent: Vec<&str> = label.silent_states().map(RunState::as_str).collect();
    assert_eq!(silent, ["PLANNING", "NONSENSE"]);
}

#[test]
fn a_label_without_the_name_of_a_sink_is_reported() {
    let (policy, unreadable) = StackPolicy::of(&labels(&[
        "spillway:on-completed=pager",
        "spillway:on-failed=",
        "spillway:on-failed=two words",
    ]));
    assert!(policy.is_default());
    let reasons: Vec<&str> = unreadable.iter().map(|label| label.reason.as_str()).collect();
    assert_eq!(
        reasons,
        [
            "`` is not the name of a sink",
            "`two words` is not the name of a sink"
        ]
    );
    check(&["spillway:on-failed=two words"], &RunState::Failed, &[]);
}
