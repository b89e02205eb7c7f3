//! Authentic bodies that are not readable JSON, and bodies that are too large.

use super::case::{Case, delivery, event, event_with, now_s, proposed, proposed_with};
use super::signatures::{GZIPPED, REQUEST};

const LARGEST: usize = 1024 * 1024;

pub(super) fn cases() -> Vec<Case> {
    let mut all = encodings();
    all.extend(documents());
    all.extend(fields());
    all.extend(numbers());
    all
}

fn encodings() -> Vec<Case> {
    let padded = |bytes: usize| proposed() + &" ".repeat(bytes - proposed().len());
    let utf_16 = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let with_byte = |bytes: &[u8]| {
        let event = event();
        let (before, after) = event.split_once("Network").unwrap();
        [before.as_bytes(), bytes, after.as_bytes()].concat()
    };
    let marked = |marks: usize, text: String| "\u{feff}".repeat(marks) + &text;
    vec![
        delivery("exactly 1 MiB", padded(LARGEST)).read(),
        delivery("a byte more", padded(LARGEST + 1)).too_large(),
        delivery("a byte more, and forged", padded(LARGEST + 1))
            .signature("sha256=00")
            .too_large(),
        delivery("a byte order mark", marked(1, proposed())).read(),
        delivery("two byte order marks", marked(2, event()))
            .unreadable("it is not JSON: expected value (byte 4)"),
        delivery("UTF-16", utf_16(&marked(1, event()))).unreadable("it is not UTF-8 (byte 0)"),
        delivery("UTF-16 without a mark", utf_16(&event()))
            .unreadable("it is not JSON: key must be a string (byte 2)"),
        delivery("a byte that is no UTF-8", with_byte(b"\xff")).unreadable("it is not UTF-8 (byte 161)"),
        delivery("Latin-1", with_byte(b"R\xe9seau")).unreadable("it is not UTF-8 (byte 162)"),
        delivery("an overlong slash", with_byte(b"\xc0\xaf")).unreadable("it is not UTF-8 (byte 161)"),
        delivery("half a surrogate pair", with_byte(br"\ud800")).wrong_in(
            "stack.name",
            "`stack.name`: unexpected end of hex escape (byte 168)",
        ),
        delivery("packed", GZIPPED)
            .and("content-encoding", "gzip")
            .unreadable("it is not UTF-8 (byte 1)"),
        delivery("said to be packed, and is not", proposed())
            .and("content-encoding", "gzip")
            .read(),
        delivery("a form", "payload=%7B%22event%22%3A%22triggered%22%7D")
            .unreadable("it is not JSON: expected value (byte 1)"),
        delivery("no content type", event())
            .without("content-type")
            .not_json(),
        delivery("text", event()).content_type("text/plain").not_json(),
        delivery("a form by its type", event())
            .content_type("application/x-www-form-urlencoded")
            .not_json(),
        delivery("a type that only begins so", event())
            .content_type("application/jsonp")
            .not_json(),
        delivery("a type that ends so", event())
            .content_type("application/ld+json")
            .not_json(),
        delivery("two types with a comma", event())
            .content_type("application/json, text/plain")
            .not_json(),
        delivery("a type with a parameter", proposed())
            .content_type("Application/JSON ; charset=utf-8")
            .read(),
    ]
}

fn documents() -> Vec<Case> {
    let deep = |depth: usize| {
        event_with(
            "{",
            &format!("{{\"x\":{}{},", "[".repeat(depth), "]".repeat(depth)),
        )
    };
    vec![
        delivery("no byte at all", "").unreadable("it is not JSON: EOF while parsing a value (byte 0)"),
        delivery("a space", " ").unreadable("it is not JSON: EOF while parsing a value (byte 1)"),
        delivery("null", "null").unreadable("invalid type: null, expected an object (byte 4)"),
        delivery("true", "true").unreadable("invalid type: boolean `true`, expected an object (byte 4)"),
        delivery("a number", "7").unreadable("invalid type: number `7`, expected an object (byte 1)"),
        delivery("a text", r#""triggered""#)
            .unreadable(r#"invalid type: string "triggered", expected an object (byte 11)"#),
        delivery("an empty array", "[]").unreadable("invalid type: array, expected an object (byte 0)"),
        delivery("an array of one event", format!("[{}]", event()))
            .unreadable("invalid type: array, expected an object (byte 0)"),
        delivery("an array by position", r#"["acme","FINISHED",4]"#)
            .unreadable("invalid type: array, expected an object (byte 0)"),
        delivery("an empty object", "{}").ignored("unknown", "no kind of event that this version knows"),
        delivery("a closed object more", event() + "}")
            .unreadable("it is not JSON: trailing characters (byte 172)"),
        delivery("two documents", event() + &event())
            .unreadable("it is not JSON: trailing characters (byte 172)"),
        delivery("a NUL after it", event() + "\0")
            .unreadable("it is not JSON: trailing characters (byte 172)"),
        delivery("a comma too many", event_with("\"Network\"}", "\"Network\"},"))
            .unreadable("it is not JSON: trailing comma (byte 172)"),
        delivery("a comment", event_with("{", "{/* ours */"))
            .unreadable("it is not JSON: key must be a string (byte 2)"),
        delivery("a comment after it", event() + "// ours")
            .unreadable("it is not JSON: trailing characters (byte 172)"),
        delivery("single quotes", event().replace('"', "'"))
            .unreadable("it is not JSON: key must be a string (byte 2)"),
        delivery("keys without quotes", event_with("\"account\"", "account"))
            .unreadable("it is not JSON: key must be a string (byte 2)"),
        delivery("cut off", &event().as_bytes()[..40])
            .unreadable("it is not JSON: EOF while parsing a string (byte 40)"),
        delivery(
            "as deep as may be",
            proposed_with("{", &format!("{{\"x\":{}{},", "[".repeat(63), "]".repeat(63))),
        )
        .read(),
        delivery("one deeper", deep(64)).unreadable("it is nested more than 64 deep (byte 68)"),
        delivery("a hundred thousand deep", "[".repeat(100_000))
            .unreadable("it is nested more than 64 deep (byte 64)"),
        delivery("a hundred thousand objects deep", r#"{"run":"#.repeat(100_000))
            .unreadable("it is nested more than 64 deep (byte 448)"),
        delivery("a newline in a text", event_with("Network", "Net\nwork")).wrong_in(
            "stack",
            r"`stack`: control character (\u0000-\u001F) found while parsing a string (byte 164)",
        ),
    ]
}

fn fields() -> Vec<Case> {
    let account = "\"account\":\"acme\"";
    vec![
        delivery(
            "an account twice",
            event_with(account, &format!("{account},\"account\":\"evil\"")),
        )
        .wrong_in("account", "`account`: duplicate field `account` (byte 27)"),
        delivery(
            "an account twice, once by escapes",
            event_with(account, &format!("{account},\"\\u0061ccount\":\"evil\"")),
        )
        .wrong_in("account", "`account`: duplicate field `account` (byte 32)"),
        delivery("a run twice", event_with("\"run\":{", "\"run\":{},\"run\":{"))
            .wrong_in("run", "`run`: duplicate field `run` (byte 91)"),
        delivery(
            "a type twice",
            event_with(
                "\"type\":\"TRACKED\"",
                "\"type\":\"PROPOSED\",\"type\":\"TRACKED\"",
            ),
        )
        .wrong_in("run.type", "`run.type`: duplicate field `type` (byte 135)"),
        delivery("another case of a key", event_with("\"account\"", "\"Account\""))
            .wrong_in("account", "`account`: missing field `account` (byte 171)"),
        delivery(
            "a zero-width space in a key",
            event_with("\"account\"", "\"account\u{200b}\""),
        )
        .wrong_in("account", "`account`: missing field `account` (byte 174)"),
        delivery(
            "an object's prototype",
            r#"{"__proto__":{"account":"acme","run":{"id":"01J"}}}"#,
        )
        .ignored("unknown", "no kind of event that this version knows"),
        delivery(
            "a prototype beside an event",
            proposed_with("{", "{\"__proto__\":{\"type\":\"TRACKED\"},"),
        )
        .read(),
        delivery(
            "a type of its own",
            event_with("\"TRACKED\"", "{\"$ne\":\"PROPOSED\"}"),
        )
        .wrong_in(
            "run.type",
            "`run.type`: invalid type: object, expected a string (byte 118)",
        ),
        delivery(
            "a run that is an array",
            event_with("\"run\":{", "\"run\":[{").replacen('}', "}]", 1),
        )
        .wrong_in("run", "`run`: invalid type: array, expected an object (byte 83)"),
        delivery(
            "a run that is null",
            event_with("\"run\":{", "\"run\":null,\"runs\":{"),
        )
        .ignored("unknown", "no kind of event that this version knows"),
        delivery("no stack", event_with("\"stack\":{", "\"stacks\":{"))
            .wrong_in("stack", "`stack`: missing field `stack` (byte 172)"),
        delivery(
            "an event that is also a request",
            event_with("{", "{\"event\":\"triggered\","),
        )
        .wrong_in("stack_id", "`stack_id`: missing field `stack_id` (byte 191)"),
        delivery(
            "a request that is also an entry of the audit trail",
            REQUEST.replace('{', "{\"action\":\"stack.create\","),
        )
        .ignored("audit_trail", "an entry of the audit trail"),
    ]
}

fn numbers() -> Vec<Case> {
    let at = |time: &str| event_with(&now_s().to_string(), time);
    vec![
        delivery("no number", at("NaN")).wrong_in("timestamp", "`timestamp`: expected value (byte 67)"),
        delivery("infinity", at("Infinity")).wrong_in("timestamp", "`timestamp`: expected value (byte 67)"),
        delivery("minus infinity", at("-Infinity"))
            .wrong_in("timestamp", "`timestamp`: invalid number (byte 68)"),
        delivery("a number that is too large for any type", at("1e400"))
            .wrong_in("timestamp", "`timestamp`: number out of range (byte 71)"),
        delivery("thirty digits", at("123456789012345678901234567890")).wrong_in(
            "timestamp",
            "`timestamp`: invalid type: number `1.2345678901234568e+29`, expected a whole number (byte 96)",
        ),
        delivery("half a million digits", at(&"9".repeat(500_000)))
            .wrong_in("timestamp", "`timestamp`: number out of range (byte 500066)"),
        delivery("the largest number", at("9223372036854775807")).wrong_in(
            "timestamp",
            "`timestamp`: 9223372036854775807 seconds is not a valid time (byte 180)",
        ),
        delivery("a fraction", at("1745600100.5")).wrong_in(
            "timestamp",
            "`timestamp`: invalid type: number `1745600100.5`, expected a whole number (byte 78)",
        ),
        delivery("an exponent", at("17456e5")).wrong_in(
            "timestamp",
            "`timestamp`: invalid type: number `1745600000.0`, expected a whole number (byte 73)",
        ),
        delivery("zeros before it", at("01745600100"))
            .wrong_in("timestamp", "`timestamp`: invalid number (byte 68)"),
        delivery("hexadecimal", at("0x680b")).unreadable("it is not JSON: expected `,` or `}` (byte 68)"),
        delivery("a plus", at("+1745600100")).wrong_in("timestamp", "`timestamp`: expected value (byte 67)"),
        delivery("a number as a text", at("\"1745600100\"")).wrong_in(
            "timestamp",
            r#"`timestamp`: invalid type: string "1745600100", expected a whole number (byte 78)"#,
        ),
        delivery("a version below zero", event_with(":4,", ":-4,")).wrong_in(
            "stateVersion",
            "`stateVersion`: invalid value: number `-4`, expected a whole number that is not negative (byte 54)",
        ),
        delivery("a version that is a truth", event_with(":4,", ":true,")).wrong_in(
            "stateVersion",
            "`stateVersion`: invalid type: boolean `true`, expected a whole number that is not negative (byte 56)",
        ),
    ]
}
