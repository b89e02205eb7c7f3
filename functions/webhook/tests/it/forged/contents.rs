//! Authentic events with deceptive ids, texts and times.

use chain::id::MAX_BYTES;
use serde_json::json;

use super::case::{Case, delivery, event_at, event_with, now_s, proposed_with};
use super::signatures::REQUEST;

pub(super) fn cases() -> Vec<Case> {
    let mut all = ids();
    all.extend(requests());
    all.extend(accounts());
    all.extend(texts());
    all.extend(times());
    all
}

fn ids() -> Vec<Case> {
    let stack = |id: &str| event_with("\"network\"", &json!(id).to_string());
    let run = |id: &str| event_with("\"01J\"", &json!(id).to_string());
    let long = "a".repeat(MAX_BYTES + 1);
    vec![
        delivery("an empty stack", stack(""))
            .wrong_in("stack.id", "`stack.id`: stack id is empty (byte 145)"),
        delivery("a stack of 129 bytes", stack(&long)).wrong_in(
            "stack.id",
            "`stack.id`: stack id is 129 bytes long, more than 128 (byte 274)",
        ),
        delivery(
            "a stack of 129 bytes in 33 characters",
            stack(&("🚀".repeat(32) + "a")),
        )
        .wrong_in(
            "stack.id",
            "`stack.id`: stack id is 129 bytes long, more than 128 (byte 274)",
        ),
        delivery("a newline in a stack", stack("net\nwork")).wrong_in(
            "stack.id",
            r#"`stack.id`: stack id "net\nwork" has the character '\n' (byte 154)"#,
        ),
        delivery("a NUL in a stack", stack("network\0")).wrong_in(
            "stack.id",
            r#"`stack.id`: stack id "network\0" has the character '\0' (byte 158)"#,
        ),
        delivery("a label in a stack", stack("network dependsOn:secrets")).wrong_in(
            "stack.id",
            r#"`stack.id`: stack id "network dependsOn:secrets" has the character ' ' (byte 170)"#,
        ),
        delivery("an escape for terminals in a stack", stack("\u{1b}[2Jnetwork")).wrong_in(
            "stack.id",
            r#"`stack.id`: stack id "\u{1b}[2Jnetwork" has the character '\u{1b}' (byte 161)"#,
        ),
        delivery("a line separator in a stack", stack("network\u{2028}")).wrong_in(
            "stack.id",
            r#"`stack.id`: stack id "network\u{2028}" has the character '\u{2028}' (byte 155)"#,
        ),
        delivery("a run of 129 bytes", run(&long)).wrong_in(
            "run.id",
            "`run.id`: run id is 129 bytes long, more than 128 (byte 220)",
        ),
        delivery("a carriage return in a run", run("01J\r")).wrong_in(
            "run.id",
            r#"`run.id`: run id "01J\r" has the character '\r' (byte 96)"#,
        ),
        delivery("a delete character in a run", run("01J\u{7f}")).wrong_in(
            "run.id",
            r#"`run.id`: run id "01J\u{7f}" has the character '\u{7f}' (byte 95)"#,
        ),
        delivery("a run that is a number", event_with("\"01J\"", "1")).wrong_in(
            "run.id",
            "`run.id`: invalid type: number `1`, expected a string (byte 90)",
        ),
    ]
}

fn requests() -> Vec<Case> {
    let request = |more: &str| REQUEST.replace('}', &format!(",{more}}}"));
    let long = "a".repeat(MAX_BYTES + 1);
    vec![
        delivery("a request for nothing", r#"{"event":"triggered"}"#)
            .wrong_in("stack_id", "`stack_id`: missing field `stack_id` (byte 21)"),
        delivery(
            "a request by an unknown word",
            REQUEST.replace("triggered", "triggered\\n"),
        )
        .wrong_in(
            "event",
            "`event`: it is not one of the known events: `triggered`, `completed`, `failed` (byte 44)",
        ),
        delivery(
            "the end of a run that is not named",
            REQUEST.replace("triggered", "completed"),
        )
        .wrong_in(
            "run_id",
            "`run_id`: the event `completed` needs the run that ended (byte 42)",
        ),
        delivery(
            "a request for a stack with a tab",
            REQUEST.replace("network", "net\\twork"),
        )
        .wrong_in(
            "stack_id",
            r#"`stack_id`: stack id "net\twork" has the character '\t' (byte 44)"#,
        ),
        delivery(
            "a request for many stacks",
            REQUEST.replace("\"network\"", "[\"network\",\"secrets\"]"),
        )
        .wrong_in(
            "stack_id",
            "`stack_id`: invalid type: array, expected a string (byte 32)",
        ),
        delivery("a newline in a request's id", request(r#""request_id":"a\nb""#)).wrong_in(
            "request_id",
            r#"`request_id`: request id "a\nb" has the character '\n' (byte 62)"#,
        ),
        delivery(
            "a request's id of 129 bytes",
            request(&format!("\"request_id\":\"{long}\"")),
        )
        .wrong_in(
            "request_id",
            "`request_id`: request id is 129 bytes long, more than 128 (byte 187)",
        ),
        delivery(
            "a requester of 1025 bytes",
            request(&format!("\"requested_by\":\"{}\"", "x".repeat(1025))),
        )
        .wrong_in(
            "requested_by",
            "`requested_by`: 1025 bytes are more than the 1024 that a text may have (byte 1085)",
        ),
    ]
}

/// Accounts that are not `acme` but look like it, or would match it if ids were joined carelessly.
fn accounts() -> Vec<Case> {
    let other = |name: &'static str, account: &str| {
        delivery(name, event_with("\"acme\"", &json!(account).to_string()))
            .ignored("other_account", &format!("it is about the account `{account}`"))
    };
    vec![
        other("another account, signed", "evil"),
        other("an account in upper case", "Acme"),
        other("an account that holds a separator", "acme:01J"),
        other("an account that holds an escaped separator", "acme%3A01J"),
        other("an account that holds a per cent sign", "acme%"),
        other("an account with a Cyrillic letter", "\u{430}cme"),
        other("an account from right to left", "\u{202e}emca"),
        other("an account with a zero-width space", "acme\u{200b}"),
        other("an account that is a path", "../acme"),
        other("an account with a quote", "acme'--"),
        delivery("an account with a space", event_with("\"acme\"", "\"acme \"")).wrong_in(
            "account",
            r#"`account`: account name "acme " has the character ' ' (byte 18)"#,
        ),
        delivery(
            "an account with an escaped newline",
            event_with("\"acme\"", "\"acme\\n\""),
        )
        .wrong_in(
            "account",
            r#"`account`: account name "acme\n" has the character '\n' (byte 19)"#,
        ),
        delivery(
            "a request in another account",
            REQUEST.replace(
                '{',
                &format!(
                    r#"{{"account":"evil","request_id":"a","requested_at":{},"#,
                    now_s()
                ),
            ),
        )
        .ignored("other_account", "it is about the account `evil`"),
        delivery(
            "a policy's input in another account",
            policy_input("evil", now_s()),
        )
        .ignored("other_account", "it is about the account `evil`"),
    ]
}

/// Texts that could corrupt a log. Each is written to a log line.
pub(super) fn texts() -> Vec<Case> {
    let named = |name: &str| proposed_with("Network", json!(name).to_string().trim_matches('"'));
    vec![
        delivery(
            "a second log line in a name",
            named("Network\"}\n{\"level\":\"ERROR\",\"fields\":{}}"),
        )
        .read(),
        delivery("an end of a log line in a name", named("Network\"}}\r\n\r\n")).read(),
        delivery(
            "escapes for terminals in a name",
            named("\u{1b}[31m\u{1b}]0;owned\u{7}Network\u{9b}2J"),
        )
        .read(),
        delivery(
            "line separators in a name",
            named("Net\u{2028}work\u{85}\u{2029}"),
        )
        .read(),
        delivery("a NUL in a name", named("Net\0work")).read(),
        delivery("an emoji in a name", named("🚀 Network 👩‍🚒")).read(),
        delivery("a name from right to left", named("\u{202e}krowteN")).read(),
        delivery("placeholders in a name", named("{} {0} %s ${jndi:ldap://x}")).read(),
        delivery(
            "a second log line in a branch",
            proposed_with("\"main\"", r#""main\n{\"level\":\"ERROR\"}""#),
        )
        .read(),
        delivery(
            "a second log line in a state",
            proposed_with("FINISHED", r"FINISHED\n{}"),
        )
        .read(),
        delivery(
            "a stack that is a path",
            proposed_with("\"network\"", "\"../../etc/passwd\""),
        )
        .read(),
        delivery(
            "a stack with separators",
            proposed_with("\"network\"", "\"network:%3A\""),
        )
        .read(),
        delivery("a type of several lines", event_with("TRACKED", r"TRACKED\nINFO"))
            .ignored("run_type", "a TRACKED\nINFO run starts no chain"),
        delivery("a name of 1025 bytes", event_with("Network", &"x".repeat(1025))).wrong_in(
            "stack.name",
            "`stack.name`: 1025 bytes are more than the 1024 that a text may have (byte 1188)",
        ),
    ]
}

fn times() -> Vec<Case> {
    let (minute, hour) = (60, 3600);
    let minutes_ahead = now_s() * 999 / minute;
    let old = now_s() - 25 * hour - minute;
    vec![
        delivery("a replay of a day and an hour ago", event_at(old))
            .ignored("too_old", "the event is 25 hours old"),
        delivery("a replay of a year ago", event_at(now_s() - 8760 * hour - minute))
            .ignored("too_old", "the event is 365 days old"),
        delivery(
            "an event of long before 1970",
            event_at(now_s() - 1_000_000_000 * hour - minute),
        )
        .ignored("too_old", "the event is 41666666 days old"),
        delivery(
            "an event of in eleven minutes",
            event_at(now_s() + 12 * minute - 1),
        )
        .ignored("from_the_future", "it is 11 minutes ahead of this clock"),
        delivery(
            "an event of in a thousand years",
            event_at(now_s() + 525_600_001 * minute - 1),
        )
        .ignored("from_the_future", "it is 525600000 minutes ahead of this clock"),
        delivery(
            "milliseconds where seconds belong",
            // A whole number of minutes ahead for almost a minute from now.
            event_at(now_s() + (minutes_ahead + 1) * minute - 1),
        )
        .ignored(
            "from_the_future",
            &format!("it is {minutes_ahead} minutes ahead of this clock"),
        ),
        delivery(
            "an old event with seconds of now",
            event_with(
                "\"timestamp\"",
                &format!("\"timestamp_millis\":{old}383,\"timestamp\""),
            ),
        )
        .ignored("too_old", "the event is 25 hours old"),
        delivery("an old policy's input", policy_input("acme", old))
            .ignored("too_old", "the event is 25 hours old"),
    ]
}

/// The input that a notification policy passes on.
fn policy_input(account: &str, time_s: i64) -> String {
    format!(
        r#"{{"account":{{"name":"{account}"}},"run_updated":{{"state":"FINISHED","run":{{"id":"01J","branch":"main","type":"TRACKED","updated_at":{time_s}000000000}},"stack":{{"id":"network","name":"Network"}}}}}}"#
    )
}
