//! Invalid bodies: each is answered with the field and the position, and none causes a panic.

use chain::event::{self, MAX_BODY_BYTES, MAX_DEPTH, MAX_METADATA_ENTRIES, MAX_TEXT_BYTES};

use crate::deliveries::{payload, run, unreadable};

/// A default event. Each test breaks one thing in it.
const BODY: &str = r#"{"account":"acme","state":"FINISHED","stateVersion":4,"timestamp":1745600100,"run":{"id":"R","branch":"main","commit":{"hash":"0ee3a3b"},"delta":{"added":1},"type":"TRACKED"},"stack":{"id":"vpc","name":"VPC"}}"#;

#[track_caller]
fn check(body: &str, field: &str, byte: usize, reason: &str) {
    let error = unreadable(body);
    assert_eq!(
        (error.field.as_str(), error.byte, error.reason.as_str()),
        (field, byte, reason),
        "{body}"
    );
}

/// [`BODY`] with `from` written as `to` is wrong in `field`, at the end of `to`.
#[track_caller]
fn check_changed(from: &str, to: &str, field: &str, reason: &str) {
    let body = BODY.replacen(from, to, 1);
    assert_ne!(body, BODY, "`{from}` is not in the body");
    let error = unreadable(&body);
    assert_eq!(
        (error.field.as_str(), error.reason.as_str()),
        (field, reason),
        "{body}"
    );
    assert!(error.byte > 0 && error.byte <= body.len(), "{error:?}");
}

#[test]
fn the_body_itself_is_fine() {
    assert_eq!(run(BODY).stack.as_str(), "vpc");
}

#[test]
fn not_json() {
    check("", "", 0, "it is not JSON: EOF while parsing a value");
    check("null", "", 4, "invalid type: null, expected an object");
    check("[]", "", 0, "invalid type: array, expected an object");
    check(
        "\"run\"",
        "",
        5,
        "invalid type: string \"run\", expected an object",
    );
    check("{\"run\":1}}", "", 10, "it is not JSON: trailing characters");
    check("{}{}", "", 3, "it is not JSON: trailing characters");
    check("{'run':1}", "", 2, "it is not JSON: key must be a string");
    check("{\n\"run\":\n nul}", "run", 14, "expected ident");
    check("payload=%7B%7D", "", 1, "it is not JSON: expected value");
}

#[test]
fn a_field_is_missing_or_null() {
    check_changed("\"account\":\"acme\",", "", "account", "missing field `account`");
    check_changed("\"state\":\"FINISHED\",", "", "state", "missing field `state`");
    check_changed(
        "\"timestamp\":1745600100,",
        "",
        "timestamp",
        "missing field `timestamp`",
    );
    check_changed("\"id\":\"R\",", "", "run.id", "missing field `id`");
    check_changed("\"branch\":\"main\",", "", "run.branch", "missing field `branch`");
    check_changed(",\"type\":\"TRACKED\"", "", "run.type", "missing field `type`");
    check_changed(
        ",\"stack\":{\"id\":\"vpc\",\"name\":\"VPC\"}",
        "",
        "stack",
        "missing field `stack`",
    );
    check_changed("\"id\":\"vpc\",", "", "stack.id", "missing field `id`");
    check_changed("\"R\"", "null", "run.id", "invalid type: null, expected a string");
}

#[test]
fn a_field_has_the_wrong_type() {
    check_changed(
        "\"FINISHED\"",
        "7",
        "state",
        "invalid type: number `7`, expected a string",
    );
    check_changed("\"R\"", "{}", "run.id", "invalid type: object, expected a string");
    check_changed(
        "{\"hash\":\"0ee3a3b\"}",
        "[\"0ee3a3b\"]",
        "run.commit",
        "invalid type: array, expected an object",
    );
    check_changed(
        "{\"added\":1}",
        "\"much\"",
        "run.delta",
        "invalid type: string \"much\", expected an object",
    );
    check_changed(
        "\"added\":1",
        "\"added\":-1",
        "run.delta.added",
        "invalid value: number `-1`, expected a whole number that is not negative",
    );
    check_changed(
        "\"R\"",
        "\"R S\"",
        "run.id",
        "run id \"R S\" has the character ' '",
    );
    check_changed("\"vpc\"", "\"\"", "stack.id", "stack id is empty");
}

#[test]
fn a_field_is_duplicated() {
    check_changed(
        "\"account\":\"acme\"",
        "\"account\":\"acme\",\"account\":\"evil\"",
        "account",
        "duplicate field `account`",
    );
    check_changed(
        "\"run\":{",
        "\"run\":{},\"run\":{",
        "run",
        "duplicate field `run`",
    );
    check_changed(
        "\"id\":\"vpc\"",
        "\"id\":\"vpc\",\"id\":\"db\"",
        "stack.id",
        "duplicate field `id`",
    );
}

#[test]
fn a_number_is_out_of_range() {
    check_changed("1745600100", "1e400", "timestamp", "number out of range");
    check_changed(
        "1745600100",
        "123456789012345678901234567890",
        "timestamp",
        "invalid type: number `1.2345678901234568e+29`, expected a whole number",
    );
    check_changed(
        "1745600100",
        "9223372036854775807",
        "timestamp",
        "9223372036854775807 seconds is not a valid time",
    );
    check_changed(
        "\"stateVersion\":4",
        "\"stateVersion\":-4",
        "stateVersion",
        "invalid value: number `-4`, expected a whole number that is not negative",
    );
    check_changed(
        "\"stateVersion\":4",
        "\"stateVersion\":4.5",
        "stateVersion",
        "invalid type: number `4.5`, expected a whole number that is not negative",
    );
}

#[test]
fn a_request_for_an_event_that_does_not_exist() {
    let error = unreadable(r#"{"event":"started","stack_id":"vpc","run_id":"01J"}"#);
    assert_eq!(
        error.to_string(),
        "`event`: it is not one of the known events: `triggered`, `completed`, `failed` (byte 51)"
    );
    check(
        r#"{"event":"completed","stack_id":"vpc"}"#,
        "run_id",
        38,
        "the event `completed` needs the run that ended",
    );
    check(
        r#"{"event":"triggered"}"#,
        "stack_id",
        21,
        "missing field `stack_id`",
    );
    check(
        "{\"event\":\"triggered\",\n\"stack_id\":\"x y\"}",
        "stack_id",
        39,
        "stack id \"x y\" has the character ' '",
    );
    check(
        r#"{"event":"triggered","stack_id":"x","request_id":"a\nb"}"#,
        "request_id",
        56,
        "request id \"a\\nb\" has the character '\\n'",
    );
}

#[test]
fn the_policy_input_is_wrong() {
    let body = payload("policy_forwarded_input_run_updated");
    for (from, to, field) in [
        ("\"name\": \"acme\"", "\"name\": 1", "account.name"),
        ("\"updated_at\"", "\"updated\"", "run_updated.run.updated_at"),
        (
            "\"space\": {",
            "\"space\": 3, \"s\": {",
            "run_updated.stack.space",
        ),
        (
            "\"user_provided_metadata\": []",
            "\"user_provided_metadata\": [3]",
            "run_updated.run.user_provided_metadata[0]",
        ),
    ] {
        let changed = body.replacen(from, to, 1);
        assert_ne!(changed, body);
        assert_eq!(unreadable(changed).field, field);
    }
}

#[test]
fn not_utf_8() {
    let mut body = BODY.as_bytes().to_vec();
    let at = BODY.find("VPC").unwrap();
    body[at] = 0xff;
    let error = unreadable(&body);
    assert_eq!((error.byte, error.reason.as_str()), (at, "it is not UTF-8"));
    assert_eq!(unreadable(b"\xff\xfe{\0}\0").byte, 0, "UTF-16");
    // A lone surrogate is an escape that JSON allows but Unicode does not.
    let error = unreadable(BODY.replace("VPC", "\\ud800"));
    assert_eq!(
        (error.field.as_str(), error.reason.as_str()),
        ("stack.name", "unexpected end of hex escape")
    );
}

#[test]
fn a_byte_order_mark_is_ignored() {
    assert_eq!(run(&format!("\u{feff}{BODY}")), run(BODY));
    let plain = unreadable("{\"run\":1}");
    let marked = unreadable("\u{feff}{\"run\":1}");
    assert_eq!(marked.byte, plain.byte + 3);
    assert_eq!(unreadable("\u{feff}\u{feff}{}").byte, 4, "one is enough");
}

#[test]
fn nested_too_deep() {
    let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(event::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    let error = unreadable(nested(MAX_DEPTH + 1));
    assert_eq!(
        (error.byte, error.reason.as_str()),
        (5 + MAX_DEPTH - 1, "it is nested more than 64 deep")
    );
    for bomb in ["[", "{\"run\":", "{\"event\":[", "[{\"a\":"] {
        unreadable(bomb.repeat(100_000));
    }
    // Brackets inside a string, and closed brackets, do not count as nesting.
    let text = BODY.replace("VPC", &"[{\\\"[".repeat(100));
    assert_eq!(run(&text).stack.as_str(), "vpc");
    let flat = BODY.replacen('{', &format!("{{\"x\":[{}0],", "[],{},".repeat(1000)), 1);
    assert_eq!(run(&flat).stack.as_str(), "vpc");
}

#[test]
fn too_long() {
    let padded = |bytes: usize| BODY.to_owned() + &" ".repeat(bytes - BODY.len());
    assert_eq!(run(&padded(MAX_BODY_BYTES)).stack.as_str(), "vpc");
    let error = unreadable(padded(MAX_BODY_BYTES + 1));
    assert_eq!(
        error.reason,
        "1048577 bytes are more than the 1048576 that are read"
    );

    let name = |bytes: usize| BODY.replace("VPC", &"x".repeat(bytes));
    assert_eq!(run(&name(MAX_TEXT_BYTES)).stack_name.len(), MAX_TEXT_BYTES);
    let error = unreadable(name(MAX_TEXT_BYTES + 1));
    assert_eq!(error.field, "stack.name");
    assert_eq!(
        error.reason,
        "1025 bytes are more than the 1024 that a text may have"
    );

    let quoted = unreadable(BODY.replace("1745600100", &format!("\"{}\"", "x".repeat(100_000))));
    assert!(quoted.reason.len() < 1000, "the answer does not repeat the body");
}

#[test]
fn foreign_metadata_do_not_make_an_event_unreadable() {
    let body = payload("policy_forwarded_input_run_updated");
    let entries = |entries: &[String]| {
        let json = serde_json::to_string(entries).unwrap();
        run(&body.replace(
            "\"user_provided_metadata\": []",
            &format!("\"user_provided_metadata\": {json}"),
        ))
        .metadata
    };
    let long = "x".repeat(MAX_TEXT_BYTES + 1);
    assert_eq!(entries(&[long, "ours".to_owned()]), ["ours"]);
    let many: Vec<String> = (0..=MAX_METADATA_ENTRIES).map(|n| n.to_string()).collect();
    assert_eq!(entries(&many), many[..MAX_METADATA_ENTRIES]);
}

#[test]
fn an_invalid_commit_is_unknown() {
    for hash in ["\"\"", "null", "\"HEAD\"", "\"--exec=x\""] {
        let body = BODY.replace("\"0ee3a3b\"", hash);
        assert_eq!(run(&body).commit, None, "{hash}");
    }
}

/// Every prefix of every delivery is parsed or refused, and only the whole gives the event itself.
#[test]
fn truncated_at_any_byte() {
    for name in [
        "run_tracked_finished",
        "policy_forwarded_input_run_updated",
        "audit_stack_create",
        "internal_error",
    ] {
        let body = payload(name);
        let body = body.trim_end().as_bytes();
        for length in 0..body.len() {
            let error = unreadable(&body[..length]);
            assert!(error.byte <= length, "{error:?}");
        }
        assert!(event::parse(body).is_ok());
    }
}

/// Any byte of a delivery can be any other.
#[test]
fn one_byte_changed() {
    let body = BODY.as_bytes();
    for at in 0..body.len() {
        for byte in [0, b'"', b'{', b']', b'\\', b'9', 0x80, 0xff] {
            let mut changed = body.to_vec();
            changed[at] = byte;
            if let Err(error) = event::parse(&changed) {
                assert!(error.byte <= changed.len(), "{error:?}");
            }
        }
    }
}
