//! The record of a chain: what each change does to it, and which result and which permissions follow.

use chain::record::{Outcome, StackChange};
use chain::schedule::Control;
use chain::{Chain, ChainId, ChainRecord, ChainResult, Change, Reason, ReasonCode, StackState};

use crate::account::{chain, id};

fn record_of(chain: Chain) -> ChainRecord {
    ChainRecord::new(ChainId::of_workflow("chain:acme:R"), chain)
}

fn record() -> ChainRecord {
    record_of(chain("vpc; a: vpc; b: vpc"))
}

/// One that waits for an approval.
fn unapproved() -> ChainRecord {
    let needs_approval = Some(Reason::new(ReasonCode::AskAbove, "it is large"));
    record_of(Chain {
        needs_approval,
        ..chain("vpc; a: vpc; b: vpc")
    })
}

fn failed() -> Reason {
    Reason::new(ReasonCode::RunFailed, "its run failed")
}

fn began(run: &str, made: bool) -> StackChange {
    StackChange::Began {
        run: run.parse().unwrap(),
        made,
        commit: None,
        why: None,
    }
}

fn ended(outcome: Outcome, run: Option<&str>) -> StackChange {
    StackChange::Ended {
        outcome,
        run: run.map(|run| run.parse().unwrap()),
        commit: None,
        ended_at_s: Some(7),
        by_hand: None,
    }
}

/// `pause`, `a succeeds`, `over`: one change for each line.
fn apply(record: &mut ChainRecord, changes: &str) {
    for change in changes.split(';').map(str::trim).filter(|text| !text.is_empty()) {
        let control = |control| Change::Controlled {
            control,
            by: "carol".to_owned(),
            at_ms: 1,
            reason: None,
        };
        let change = match change {
            "pause" => control(Control::Pause),
            "resume" => control(Control::Resume),
            "approve" => control(Control::Approve),
            "cancel" => control(Control::Cancel),
            "cancel with runs" => control(Control::CancelAndStopRuns),
            "over" => Change::Over { at_ms: 1 },
            text => {
                let (stack, what) = text.split_once(' ').unwrap();
                let change = match what {
                    "begins" => began("R1", true),
                    "begins again" => began("R2", true),
                    "is served" => began("R1", false),
                    "succeeds" => ended(Outcome::Succeeded, Some("R1")),
                    "succeeds with another run" => ended(Outcome::Succeeded, Some("R9")),
                    "fails" => ended(Outcome::Failed { reason: failed() }, Some("R1")),
                    "is skipped" => ended(Outcome::Skipped { reason: failed() }, None),
                    "is retried" => StackChange::RunFailed {
                        run: "R1".parse().unwrap(),
                        note: "it is tried again".to_owned(),
                    },
                    "is due again" => StackChange::DueAgain {
                        why: "it was repaired".to_owned(),
                    },
                    other => panic!("`{other}` is no change"),
                };
                Change::Stack {
                    stack: id(stack),
                    change,
                    at_ms: 1,
                }
            }
        };
        record.apply(&change);
    }
}

#[test]
fn the_first_pause_lasts_with_its_reason_until_it_is_lifted() {
    let mut record = record();
    let mut order = |control, by: &str, reason: Option<&str>, at_ms| {
        record.apply(&Change::Controlled {
            control,
            by: by.to_owned(),
            at_ms,
            reason: reason.map(str::to_owned),
        });
        let ordered = record.ordered().map(|reason| reason.text.clone());
        let pause = record
            .pause()
            .map(|pause| (pause.reason.text.clone(), pause.at_ms));
        (ordered.unwrap_or_default(), pause)
    };
    assert_eq!(order(Control::Resume, "carol", None, 1), (String::new(), None));
    let paused = "the chain was paused by carol: incident 7".to_owned();
    let first = (paused.clone(), Some((paused, 2)));
    assert_eq!(order(Control::Pause, "carol", Some("incident 7"), 2), first);
    assert_eq!(order(Control::Pause, "dave", None, 3), first);
    let resumed = "the chain was resumed by dave".to_owned();
    assert_eq!(order(Control::Resume, "dave", None, 4), (resumed.clone(), None));
    assert_eq!(order(Control::Resume, "erin", Some("why"), 5), (resumed, None));
}

#[test]
fn the_result_of_a_chain() {
    for (changes, expected) in [
        ("", ChainResult::Running),
        ("pause", ChainResult::Paused),
        ("pause; resume", ChainResult::Running),
        ("pause; cancel", ChainResult::Running),
        ("a fails", ChainResult::Running),
        ("a succeeds; b succeeds; over", ChainResult::Succeeded),
        ("a succeeds; b is skipped; over", ChainResult::Succeeded),
        ("a fails; b succeeds; over", ChainResult::Failed),
        ("a fails; a succeeds; b succeeds; over", ChainResult::Succeeded),
        ("cancel; a fails; over", ChainResult::Cancelled),
        ("cancel; a succeeds; b succeeds; over", ChainResult::Cancelled),
        ("a succeeds; b succeeds; pause; over", ChainResult::Succeeded),
        // The result of a chain that has ended stays.
        ("over; cancel", ChainResult::Succeeded),
        ("over; pause", ChainResult::Succeeded),
    ] {
        let mut record = record();
        apply(&mut record, changes);
        assert_eq!(record.result(), expected, "{changes}");
        let is_over = changes.contains("over");
        assert_eq!(record.result().is_over(), is_over, "{changes}");
        assert_eq!(record.is_over(), is_over, "{changes}");
    }
    for (result, is_over) in [(ChainResult::Planning, false), (ChainResult::Refused, true)] {
        assert_eq!(result.is_over(), is_over, "{result}");
    }
}

#[test]
fn when_people_allow_a_chain_to_start_runs() {
    for (changes, may_start, needs_approval) in [
        ("", false, true),
        ("approve", true, false),
        ("approve; pause", false, false),
        ("approve; pause; resume", true, false),
        ("resume", false, true),
        ("cancel", false, false),
        ("approve; cancel", false, false),
        ("cancel; approve", false, false),
        ("over", true, false),
    ] {
        let mut record = unapproved();
        apply(&mut record, changes);
        assert_eq!(record.may_start(), may_start, "{changes}");
        assert_eq!(record.unapproved().is_some(), needs_approval, "{changes}");
    }
    assert!(record().may_start(), "it needs no approval");
}

#[test]
fn a_cancelled_chain_remembers_the_first_reason_and_whether_its_runs_are_stopped() {
    for (changes, stops_runs) in [
        ("cancel", false),
        ("cancel with runs", true),
        ("cancel; cancel with runs", true),
        ("cancel with runs; cancel", true),
    ] {
        let mut record = record();
        apply(&mut record, changes);
        let why = record.cancelled().map(ToString::to_string);
        assert_eq!(
            why.as_deref(),
            Some("the chain was cancelled by carol"),
            "{changes}"
        );
        assert_eq!(record.stops_runs(), stops_runs, "{changes}");
    }
    assert_eq!(record().cancelled(), None);
}

#[test]
fn two_readings_of_a_record_have_the_same_orders_or_not() {
    for (one, other, same) in [
        ("", "", true),
        ("", "pause", false),
        ("", "approve", false),
        ("", "cancel", false),
        ("cancel", "cancel with runs", false),
        ("pause; resume", "", true),
        ("a begins", "a begins; a succeeds; over", true),
    ] {
        let (mut first, mut second) = (record(), record());
        apply(&mut first, one);
        apply(&mut second, other);
        assert_eq!(first.has_same_orders(&second), same, "{one} | {other}");
        assert_eq!(second.has_same_orders(&first), same, "{other} | {one}");
    }
}

/// `state run runs`, with `found` if somebody else triggered the run.
fn progress(record: &ChainRecord) -> String {
    let a = record.stack(&id("a")).unwrap();
    let run = a.run.as_ref().map_or("none", |run| run.as_str());
    let found = if a.found { " found" } else { "" };
    let failed = if a.failed_runs.is_empty() { "" } else { " retried" };
    format!("{} {run} {}{found}{failed}", a.state, a.runs)
}

#[test]
fn the_progress_of_a_stack() {
    for (changes, expected) in [
        ("", "waiting none 0"),
        ("a begins", "running R1 1"),
        ("a is served", "running R1 1 found"),
        ("a begins; a succeeds", "succeeded R1 1"),
        ("a is served; a succeeds", "succeeded R1 1 found"),
        ("a begins; a fails", "failed R1 1"),
        ("a is skipped", "skipped none 0"),
        ("a begins; a is due again", "waiting R1 1"),
        ("a begins; a is retried", "waiting R1 1 retried"),
        ("a begins; a is retried; a begins again", "running R2 2 retried"),
        ("a begins; a begins; a succeeds", "succeeded R1 1"),
        (
            "a begins; a fails; a succeeds with another run",
            "succeeded R9 2 found",
        ),
        ("b begins", "waiting none 0"),
        ("vpc begins", "waiting none 0"),
    ] {
        let mut record = record();
        apply(&mut record, changes);
        assert_eq!(progress(&record), expected, "{changes}");
    }
}

#[test]
fn the_reason_and_the_end_of_a_stack() {
    for (changes, has_reason, ended_at_s) in [
        ("a begins", false, None),
        ("a begins; a fails", true, Some(7)),
        ("a begins; a fails; a is due again", false, None),
        ("a begins; a fails; a succeeds with another run", false, Some(7)),
        ("a is skipped", true, Some(7)),
        ("a begins; a succeeds", false, Some(7)),
    ] {
        let mut record = record();
        apply(&mut record, changes);
        let a = record.stack(&id("a")).unwrap();
        assert_eq!(a.reason.is_some(), has_reason, "{changes}");
        assert_eq!(a.ended_at_s, ended_at_s, "{changes}");
        assert_eq!(a.finished_at_ms.is_some(), ended_at_s.is_some(), "{changes}");
    }
}

#[test]
fn which_states_of_a_stack_are_over() {
    for (state, is_over) in [
        (StackState::Waiting, false),
        (StackState::Running, false),
        (StackState::Succeeded, true),
        (StackState::Failed, true),
        (StackState::Skipped, true),
    ] {
        assert_eq!(state.is_over(), is_over, "{state}");
    }
}

#[test]
fn what_lifts_the_reason_why_a_stack_did_not_run() {
    for (code, by_failure, is_retried) in [
        (ReasonCode::UpstreamFailed, true, true),
        (ReasonCode::ChainStopped, false, true),
        (ReasonCode::ChainCancelled, false, true),
        (ReasonCode::UnknownUpstream, false, true),
        (ReasonCode::UpstreamSkipped, false, true),
        (ReasonCode::Disabled, false, false),
        (ReasonCode::NoChange, false, false),
        (ReasonCode::RunSkipped, false, false),
        (ReasonCode::RunFailed, false, false),
    ] {
        let reason = Reason::new(code.clone(), "why");
        assert_eq!(reason.is_by_failure(), by_failure, "{code}");
        assert_eq!(reason.is_retried(), is_retried, "{code}");
    }
    assert_eq!(Reason::ordered("  "), None);
    let ordered = Reason::ordered(" a deploy ").unwrap();
    assert_eq!(
        (ordered.code, ordered.text.as_str()),
        (ReasonCode::Ordered, "a deploy")
    );
}

#[test]
fn a_record_survives_being_saved() {
    for (mut record, changes) in [
        (record(), "pause"),
        (unapproved(), "approve"),
        (record(), "cancel"),
        (record(), "cancel with runs"),
        (record(), "a succeeds; b fails; over"),
    ] {
        apply(&mut record, changes);
        let saved = serde_json::to_value(&record).unwrap();
        let read: ChainRecord = serde_json::from_value(saved.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), saved, "{changes}");
        assert_eq!(read.planned(&id("b")), read.chain().stack(&id("b")));
        assert!(read.planned(&id("b")).is_some() && read.planned(&id("c")).is_none());
    }
    let mut saved = serde_json::to_value(record()).unwrap();
    saved["progress"].as_array_mut().unwrap().reverse();
    assert!(serde_json::from_value::<ChainRecord>(saved).is_err());
}

#[test]
fn a_stack_that_is_skipped_from_the_beginning_has_its_reason() {
    let record = record_of(chain("vpc; db: vpc; app: vpc nowhere"));
    let app = record.stack(&id("app")).unwrap();
    assert_eq!(app.state, StackState::Skipped);
    assert!(app.reason.is_some());
    assert_eq!(record.stack(&id("db")).unwrap().reason, None);
}
