//! Parses every recorded delivery.

use chain::event::{self, Delta, EndEvent, EndedRun, Ignored, ReplayableRequest, RunRequest, SignedRequest};
use chain::{CommitSha, Delivery, RunEvent, RunState, RunType, UnreadableBody};

pub(crate) fn payload(name: &str) -> String {
    let path = format!(
        "{}/../../tests/fixtures/payloads/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[track_caller]
pub(crate) fn run(body: &str) -> RunEvent {
    match event::parse(body.as_bytes()) {
        Ok(Delivery::Run(event)) => *event,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn ignored(body: &str) -> Ignored {
    match event::parse(body.as_bytes()) {
        Ok(Delivery::Ignored(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn request(body: &str) -> SignedRequest {
    match event::parse(body.as_bytes()) {
        Ok(Delivery::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn unreadable(body: impl AsRef<[u8]>) -> UnreadableBody {
    event::parse(body.as_ref()).expect_err("it is unreadable")
}

fn tracked_finished() -> RunEvent {
    RunEvent {
        account: "acme".parse().unwrap(),
        run: "01JSPXRQR2F3Y06HD85YYXRSZ7".parse().unwrap(),
        stack: "prod-network".parse().unwrap(),
        stack_name: "Prod network".to_owned(),
        space: None,
        state: RunState::Finished,
        state_version: Some(10),
        run_type: RunType::Tracked,
        drift_detection: false,
        branch: "main".to_owned(),
        commit: CommitSha::new("0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb"),
        timestamp_ms: 1_745_600_100_383,
        triggered_by: Some("api::01JSMHTFM9TXWW1XK4AZN1SA8K".to_owned()),
        delta: Some(Delta {
            added: 2,
            changed: 1,
            deleted: 0,
            resources: 14,
        }),
        metadata: Vec::new(),
    }
}

#[test]
fn the_default_event() {
    assert_eq!(run(&payload("run_tracked_finished")), tracked_finished());
}

#[test]
fn the_default_event_in_other_states_and_of_other_types() {
    let of = |state, version, timestamp_ms| RunEvent {
        state,
        state_version: Some(version),
        timestamp_ms,
        delta: None,
        ..tracked_finished()
    };
    let delta = tracked_finished().delta;
    assert_eq!(
        run(&payload("run_tracked_queued")),
        of(RunState::Queued, 1, 1_745_599_880_383)
    );
    assert_eq!(
        run(&payload("run_tracked_planning")),
        of(RunState::Planning, 5, 1_745_599_890_383)
    );
    assert_eq!(
        run(&payload("run_tracked_failed")),
        of(RunState::Failed, 6, 1_745_599_930_383)
    );
    assert_eq!(
        run(&payload("run_tracked_unconfirmed")),
        RunEvent {
            delta,
            ..of(RunState::Unconfirmed, 6, 1_745_599_920_383)
        }
    );
    assert_eq!(
        run(&payload("run_tracked_finished_noop")),
        RunEvent {
            delta: Some(Delta {
                added: 0,
                changed: 0,
                deleted: 0,
                resources: 14
            }),
            ..of(RunState::Finished, 6, 1_745_599_921_383)
        }
    );
    let proposed = RunEvent {
        run: "01JSPY0000000000000000PR01".parse().unwrap(),
        run_type: RunType::Proposed,
        triggered_by: None,
        delta,
        ..of(RunState::Finished, 6, 1_745_599_925_383)
    };
    assert_eq!(run(&payload("run_proposed_finished")), proposed);
    let task = RunEvent {
        run: "01JSPY0000000000000000TA01".parse().unwrap(),
        run_type: RunType::Task,
        triggered_by: Some("alice@acme.example".to_owned()),
        ..of(RunState::Finished, 5, 1_745_599_905_383)
    };
    assert_eq!(run(&payload("run_task_finished")), task);
}

#[test]
fn the_default_event_with_nulls_and_without_optional_fields() {
    let bare = RunEvent {
        triggered_by: None,
        delta: None,
        ..tracked_finished()
    };
    assert_eq!(
        run(&payload("run_null_fields")),
        RunEvent {
            state: RunState::Queued,
            state_version: Some(1),
            timestamp_ms: 1_745_599_880_383,
            ..bare.clone()
        }
    );
    assert_eq!(
        run(&payload("run_absent_optionals")),
        RunEvent {
            state_version: Some(6),
            timestamp_ms: 1_745_599_925_383,
            ..bare
        }
    );
}

#[test]
fn the_default_event_as_documented_and_as_observed() {
    let documented = run(&payload("run_documented_minimal"));
    assert_eq!(
        documented.timestamp_ms, 1_596_979_684_000,
        "seconds, where there are no milliseconds"
    );
    assert_eq!(documented.triggered_by.as_deref(), Some("marcinw@spacelift.io"));
    assert_eq!(documented.branch, "master");
    assert_eq!(documented.stack.as_str(), "spacelift-demo");
    let observed = run(&payload("observed_tracked_finished"));
    assert_eq!(observed.state_version, Some(5));
    assert_eq!(observed.delta, Some(Delta::default()));
    assert_eq!(
        observed.commit,
        CommitSha::new("87c5ffdcf063445657c7082a447cb6a7d60f2c9d")
    );
}

#[test]
fn the_policy_input() {
    let body = payload("policy_forwarded_input_run_updated");
    let expected = RunEvent {
        space: Some("prod-01HJP3651BQT2GY2EQSG6KVWDB".parse().unwrap()),
        state_version: None,
        triggered_by: None,
        delta: None,
        ..tracked_finished()
    };
    assert_eq!(run(&body), expected);
    let claimed = body.replace(
        "\"user_provided_metadata\": []",
        "\"user_provided_metadata\": [\"spillway:chain:acme:R:db\", \"confirmed by alice\"]",
    );
    let metadata = vec![
        "spillway:chain:acme:R:db".to_owned(),
        "confirmed by alice".to_owned(),
    ];
    assert_eq!(run(&claimed), RunEvent { metadata, ..expected });
}

#[test]
fn the_policy_input_trimmed() {
    let event = run(r#"{"account":{"name":"acme"},"run_updated":{"state":"QUEUED",
            "run":{"id":"R","type":"TRACKED","branch":"main","updated_at":1745600100383999999,"triggered_by":""},
            "stack":{"id":"vpc","name":"VPC"}}}"#);
    assert_eq!(event.timestamp_ms, 1_745_600_100_383);
    assert_eq!(
        (event.space, event.commit, event.triggered_by),
        (None, None, None)
    );
    assert_eq!(event.metadata, Vec::<String>::new());
}

#[test]
fn a_request() {
    let short = request(r#"{"event":"triggered","stack_id":"vpc"}"#);
    assert_eq!(short.requested_at, None);
    let short = short.request;
    assert_eq!(
        short,
        RunRequest {
            account: None,
            stack: "vpc".parse().unwrap(),
            request_id: None,
            requested_by: None,
            follow: false,
        }
    );
    let long = request(
        r#"{"event":"triggered","stack_id":"vpc","account":"acme","request_id":"nightly-1",
            "requested_by":"cron","requested_at":1745600100}"#,
    );
    assert_eq!(long.requested_at, Some(1_745_600_100));
    assert_eq!(
        long.request,
        RunRequest {
            account: Some("acme".parse().unwrap()),
            request_id: Some("nightly-1".parse().unwrap()),
            requested_by: Some("cron".to_owned()),
            ..short.clone()
        }
    );
    let follows = request(r#"{"event":"triggered","stack_id":"vpc","follow":true}"#);
    assert_eq!(
        follows.request,
        RunRequest {
            follow: true,
            ..short
        }
    );
}

#[test]
fn replayable_requests_are_recognised() {
    const NOW: i64 = 1_745_600_100;
    let asked = |fields: &str| request(&format!(r#"{{"event":"triggered","stack_id":"vpc"{fields}}}"#));
    let at = |time: i64| asked(&format!(r#","request_id":"a","requested_at":{time}"#));
    for (request, reason) in [
        (asked(""), Some(ReplayableRequest::NoId)),
        (
            asked(r#","requested_at":1745600100"#),
            Some(ReplayableRequest::NoId),
        ),
        (asked(r#","request_id":"a""#), Some(ReplayableRequest::NoTime)),
        (at(NOW - 301), Some(ReplayableRequest::TooOld)),
        (at(i64::MIN), Some(ReplayableRequest::TooOld)),
        (at(NOW - 300), None),
        (at(NOW), None),
        (at(NOW + 300), None),
        (at(NOW + 301), Some(ReplayableRequest::FromTheFuture)),
        (at(i64::MAX), Some(ReplayableRequest::FromTheFuture)),
    ] {
        assert_eq!(request.why_replayable(NOW * 1000), reason, "{request:?}");
    }
}

#[test]
fn a_report_that_a_run_ended() {
    for (event, expected) in [("completed", EndEvent::Completed), ("failed", EndEvent::Failed)] {
        let body = format!(r#"{{"event":"{event}","stack_id":"vpc","run_id":"01J"}}"#);
        assert_eq!(
            event::parse(body.as_bytes()),
            Ok(Delivery::RunEnded(EndedRun {
                account: None,
                stack: "vpc".parse().unwrap(),
                run: "01J".parse().unwrap(),
                event: expected,
            }))
        );
    }
}

#[test]
fn deliveries_that_are_ignored() {
    for (body, code) in [
        (payload("audit_stack_create"), "audit_trail"),
        (payload("internal_error"), "internal_error"),
        (payload("policy_custom_payload"), "unknown"),
        (
            r#"{"account":{"name":"a"},"internal_error":{"error":"x"}}"#.to_owned(),
            "internal_error",
        ),
        (
            r#"{"account":{"name":"a"},"module_version":{"module":{}}}"#.to_owned(),
            "module_version",
        ),
        (
            r#"{"account":"a","state":"FINISHED","run":{},"module":{"id":"m"}}"#.to_owned(),
            "module_version",
        ),
        (
            r#"{"account":{"name":"a"},"run_updated":{"state":"FINISHED","stack":null,
                "run":{"id":"R","type":"TESTING","branch":"b","updated_at":1}}}"#
                .to_owned(),
            "module_version",
        ),
        (
            r#"{"account":"a","event_type":"stack_updated_event","stack":{"id":"x"}}"#.to_owned(),
            "unknown",
        ),
        (r#"{"event":"deployed","version":3}"#.to_owned(), "unknown"),
        (
            r#"{"event":{"name":"triggered"},"stack_id":"x"}"#.to_owned(),
            "unknown",
        ),
        (r#"{"run_updated":null,"run":null}"#.to_owned(), "unknown"),
        (r#"{"severity":"ERROR"}"#.to_owned(), "unknown"),
        (r#"{"title":"hello"}"#.to_owned(), "unknown"),
        ("{}".to_owned(), "unknown"),
    ] {
        let why = ignored(&body);
        assert_eq!(why.code(), code, "{body}");
        assert_eq!(serde_json::to_value(&why).unwrap(), code);
        assert!(!why.to_string().is_empty());
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let body = payload("run_tracked_finished").replacen(
        "{\n  \"account\"",
        "{\"new\":[{\"x\":1e400}], \"huge\":123456789012345678901234567890, \"new\":0, \"account\"",
        1,
    );
    assert!(body.contains("1e400"));
    assert_eq!(run(&body), tracked_finished());
    let levitating = payload("run_tracked_finished")
        .replace("FINISHED", "LEVITATING")
        .replace("TRACKED", "NIGHTLY");
    let event = run(&levitating);
    assert_eq!(event.state, RunState::Unknown("LEVITATING".to_owned()));
    assert_eq!(event.run_type, RunType::Unknown("NIGHTLY".to_owned()));
}

#[test]
fn an_event_survives_serialization() {
    for name in [
        "run_tracked_finished",
        "run_null_fields",
        "policy_forwarded_input_run_updated",
    ] {
        let event = run(&payload(name));
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<RunEvent>(&json).unwrap(), event);
        // A newer version may have more fields.
        let newer = json.replacen('{', "{\"invented_later\":{\"a\":1},", 1);
        assert_eq!(serde_json::from_str::<RunEvent>(&newer).unwrap(), event);
    }
    // The least that the first version wrote.
    let oldest = r#"{"account":"a","run":"R","stack":"s","stack_name":"S","state":"FINISHED","run_type":"TRACKED",
        "branch":"main","timestamp_ms":1}"#;
    assert_eq!(
        serde_json::from_str::<RunEvent>(oldest).unwrap().metadata,
        Vec::<String>::new()
    );
}

#[test]
fn which_event_is_newer() {
    let event = |state: &str, state_version, timestamp_ms| RunEvent {
        state: RunState::from(state),
        state_version,
        timestamp_ms,
        ..tracked_finished()
    };
    let check = |newer: RunEvent, older: RunEvent| {
        assert!(newer.supersedes(&older), "{newer:?} over {older:?}");
        assert!(!older.supersedes(&newer), "{older:?} over {newer:?}");
        assert!(!newer.supersedes(&newer), "an event is not newer than itself");
    };
    check(event("PLANNING", Some(5), 1), event("QUEUED", Some(1), 9));
    check(event("PLANNING", None, 9), event("QUEUED", Some(1), 1));
    check(event("PLANNING", None, 9), event("QUEUED", None, 1));
    check(event("FAILED", Some(1), 1), event("PLANNING", Some(5), 9));
    check(event("FINISHED", None, 1), event("APPLYING", Some(5), 9));
    check(event("FAILED", Some(7), 1), event("FINISHED", Some(6), 9));
}
