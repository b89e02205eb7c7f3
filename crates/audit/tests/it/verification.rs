//! Every fault of a log is reported with its exact place.

use audit::verify::{self, CheckedChain, FaultKind, Verdict};
use audit::{Action, Entry, Record, Trail};
use serde_json::Value;

use crate::log::{CHAIN, START_MS, chain_of_four, delivery, entry};

const NAME: &str = "chain%3Aacme%3A01JSPXRQR2F3Y06HD85YYXRSZ7";

/// The format of a line is public: another program may write it like this.
pub(crate) fn line(record: &Record) -> String {
    let mut value = serde_json::to_value(record).unwrap();
    value.sort_all_objects();
    value.to_string()
}

pub(crate) fn lines(records: &[Record]) -> Vec<String> {
    records.iter().map(line).collect()
}

pub(crate) fn check(lines: &[String]) -> CheckedChain {
    let text = lines.join("\n") + "\n";
    verify::chain(
        NAME,
        &[(format!("chains/{NAME}/00000001.jsonl"), text.into_bytes())],
    )
}

/// Every fault with its line.
fn faults(checked: &CheckedChain) -> Vec<(usize, FaultKind)> {
    let faults = checked.faults.kept().iter();
    faults
        .map(|fault| (fault.place.line, fault.kind.clone()))
        .collect()
}

#[track_caller]
fn broken(lines: &[String], expected: &[(usize, FaultKind)]) {
    let checked = check(lines);
    assert_eq!(checked.verdict(), Verdict::Broken);
    assert_eq!(faults(&checked), expected);
}

fn four() -> Vec<String> {
    lines(&chain_of_four())
}

#[test]
fn a_chain_with_its_last_record_is_intact_and_without_it_open() {
    let checked = check(&four());
    assert_eq!((checked.verdict(), checked.lines()), (Verdict::Intact, 4));
    assert_eq!(checked.records, chain_of_four());
    for rest in 1..4 {
        let checked = check(&four()[..rest]);
        assert_eq!(checked.verdict(), Verdict::Open);
        assert_eq!(checked.id, CHAIN);
    }
}

#[test]
fn a_change_is_found_at_its_record() {
    for (from, to) in [
        ("\"failed\"", "\"succeeded\""),
        ("01JSPXRQR2F3Y06HD85YYXRSZ8", "01JSPXRQR2F3Y06HD85YYXRSZ9"),
        ("\"count\":1", "\"count\":2"),
        ("\"count\":1", "\"count\": 1"),
        ("\"count\":1", "\"count\":1.0"),
        ("\"count\":1", "\"count\":2,\"count\":1"),
        ("\"count\":1", "\"count\":1,\"extra\":1"),
        ("\"sequence\":3", "\"sequence\":2"),
        ("\"hash\":\"", "\"hash\":\"0"),
        ("stack_ended", "stack_enden"),
        ("\"version\":1", "\"version\":0"),
        ("FAILED", "F\\u0041ILED"),
    ] {
        let mut lines = four();
        lines[2] = lines[2].replace(from, to);
        assert_ne!(lines, four(), "{from}");
        broken(&lines, &[(3, FaultKind::Changed)]);
    }
}

#[test]
fn a_change_with_a_recomputed_hash_is_found_by_the_next_record() {
    let mut trail = Trail::default();
    let mut forged = chain_of_four();
    for record in &mut forged[..3] {
        let entry = Entry {
            reason: None,
            ..record.entry().clone()
        };
        *record = trail.append(entry);
    }
    broken(&lines(&forged), &[(4, FaultKind::Unlinked { sequence: 4 })]);
}

#[test]
fn missing_records_are_reported() {
    let without = |at: std::ops::Range<usize>| {
        let mut lines = four();
        lines.drain(at);
        lines
    };
    broken(
        &without(0..1),
        &[
            (1, FaultKind::Misplaced),
            (1, FaultKind::Missing { first: 1, last: 1 }),
        ],
    );
    broken(&without(1..2), &[(2, FaultKind::Missing { first: 2, last: 2 })]);
    broken(&without(1..3), &[(2, FaultKind::Missing { first: 2, last: 3 })]);
}

#[test]
fn foreign_records_are_reported() {
    let with = |at: usize, line: String| {
        let mut lines = four();
        lines.insert(at, line);
        lines
    };
    broken(
        &with(2, four()[1].clone()),
        &[(3, FaultKind::Again { sequence: 2 })],
    );
    broken(&with(2, line(&delivery())), &[(3, FaultKind::NotLinked)]);
    let stranger = Entry {
        chain: Some("chain:acme:other".to_owned()),
        ..entry(Action::ChainPaused, START_MS)
    };
    let chain = "chain:acme:other".to_owned();
    broken(
        &with(2, line(&Trail::default().append(stranger))),
        &[(3, FaultKind::OtherChain { chain })],
    );
    for unreadable in ["", "{", "[]", "null", "{\"entry\":{}}", "\u{feff}{}"] {
        broken(&with(4, unreadable.to_owned()), &[(5, FaultKind::Unreadable)]);
    }
    let mut trail = Trail::default();
    let mut records = chain_of_four();
    for record in &records {
        trail.append(record.entry().clone());
    }
    records.push(trail.append(entry(Action::ChainPaused, START_MS)));
    broken(&lines(&records), &[(5, FaultKind::AfterEnd)]);
}

#[test]
fn a_misnamed_object_is_reported() {
    let key = |file: &str| format!("chains/{NAME}/{file}");
    let bytes = |lines: &[String]| (lines.join("\n") + "\n").into_bytes();
    let four = four();
    let intact = [
        (key("00000001.jsonl"), bytes(&four[..3])),
        (key("00000004.jsonl"), bytes(&four[3..])),
    ];
    assert_eq!(verify::chain(NAME, &intact).verdict(), Verdict::Intact);
    for (file, kind) in [
        ("00000005.jsonl", FaultKind::Misplaced),
        ("00000004.jsonl.bak", FaultKind::UnknownObject),
    ] {
        let mut objects = intact.clone();
        objects[1].0 = key(file);
        let checked = verify::chain(NAME, &objects);
        assert_eq!(faults(&checked), [(1, kind)]);
        assert_eq!(checked.faults.kept()[0].place.object, key(file));
    }
    let mut objects = intact.clone();
    objects[1].1.pop();
    assert_eq!(faults(&verify::chain(NAME, &objects)), [(1, FaultKind::CutOff)]);
    objects[1].1.clear();
    assert_eq!(verify::chain(NAME, &objects).verdict(), Verdict::Broken);
}

#[test]
fn a_record_of_a_newer_version_does_not_count_as_changed() {
    let mut lines = four();
    let mut newer: Value = serde_json::from_str(&lines[1]).unwrap();
    newer["version"] = 2.into();
    newer["witness"] = serde_json::json!({"signature": 1.5});
    lines[1] = newer.to_string();
    let checked = check(&lines);
    assert_eq!(
        (checked.verdict(), checked.newer.unwrap().line),
        (Verdict::Newer, 2)
    );
    assert_eq!(checked.records.len(), 3);
    lines.remove(0);
    broken(&lines, &[(1, FaultKind::Missing { first: 1, last: 1 })]);
    let mut alone: Value = serde_json::to_value(delivery()).unwrap();
    alone["version"] = 7.into();
    assert_eq!(verify::delivery("x", format!("{alone}\n").as_bytes()), Ok(None));
}

#[test]
fn a_delivery_is_unlinked_and_named_by_its_time() {
    let key = "deliveries/2025/04/25/1745600100383-00000000-0000-0000-0000-000000000000.json";
    let text = line(&delivery()) + "\n";
    let check = |key: &str, text: &str| verify::delivery(key, text.as_bytes()).map_err(|fault| fault.kind);
    assert_eq!(check(key, &text), Ok(Some(delivery())));
    assert_eq!(check(key, &text.replace("17", "18")), Err(FaultKind::Changed));
    assert_eq!(check(key, text.trim_end()), Err(FaultKind::CutOff));
    assert_eq!(check(key, &text.repeat(2)), Err(FaultKind::Unreadable));
    assert_eq!(
        check(&key.replace("/25/", "/26/"), &text),
        Err(FaultKind::Misplaced)
    );
    let linked = line(&chain_of_four()[0]) + "\n";
    assert_eq!(check(key, &linked), Err(FaultKind::Linked));
}
