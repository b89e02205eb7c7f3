//! Logs for the tests.

use audit::{Action, Entry, Record, Trail};
use chain::{Reason, ReasonCode};

pub(crate) const CHAIN: &str = "chain:acme:01JSPXRQR2F3Y06HD85YYXRSZ7";
pub(crate) const START_MS: i64 = 1_745_600_100_383;

pub(crate) fn entry(action: Action, at_ms: i64) -> Entry {
    Entry {
        chain: Some(CHAIN.to_owned()),
        account: Some("acme".parse().unwrap()),
        ..Entry::new(at_ms, "worker", action)
    }
}

/// A chain of one stack that fails.
pub(crate) fn chain_of_four() -> Vec<Record> {
    let mut trail = Trail::default();
    let started = Entry {
        actor: "spacelift:alice".to_owned(),
        stack: Some("network".parse().unwrap()),
        run: Some("01JSPXRQR2F3Y06HD85YYXRSZ7".parse().unwrap()),
        commit: Some("0ee3a3b7".parse().unwrap()),
        ..entry(Action::ChainStarted, START_MS)
    };
    let of_stack = |action, at_ms| Entry {
        stack: Some("database".parse().unwrap()),
        run: Some("01JSPXRQR2F3Y06HD85YYXRSZ8".parse().unwrap()),
        ..entry(action, at_ms)
    };
    let ended = Entry {
        outcome: Some("failed".to_owned()),
        reason: Some(Reason::new(
            ReasonCode::RunFailed,
            "its run ended as \"FAILED\"\n",
        )),
        started_at_ms: Some(START_MS + 100),
        ..of_stack(Action::StackEnded, START_MS + 5_000)
    };
    [
        started,
        of_stack(Action::RunTriggered, START_MS + 100),
        ended,
        entry(Action::ChainEnded, START_MS + 5_001),
    ]
    .map(|entry| trail.append(entry))
    .into()
}

pub(crate) fn delivery() -> Record {
    Record::unlinked(Entry {
        count: 17,
        reason: Some(Reason::new("mismatch".to_owned(), "the signature is wrong")),
        ..Entry::new(START_MS, "webhook", Action::DeliveryRefused)
    })
}
