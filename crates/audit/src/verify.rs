//! Verifies a log: that no record was changed, and that those of a chain are complete and in order.
//!
//! The result is a function of the bytes; only [`store`] reads them.

mod fault;
mod whole;

use serde::Deserialize;
use serde_json::Value;

pub use fault::{Fault, FaultKind, Faults, Place};
pub use whole::{BrokenChain, OpenChain, Summary, read_chain, read_delivery, store};

use crate::canonical::canonical;
use crate::record::expected_hash;
use crate::{Action, Hash, Link, Record, VERSION, key};

/// The result of checking all records of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Complete and unchanged.
    Intact,
    /// Unchanged, without an end: the chain is in progress, or its last records are missing.
    Open,
    /// No fault as far as this version can tell: some records have a newer version.
    Newer,
    Broken,
}

/// The records of one chain, and their faults.
#[derive(Debug)]
pub struct CheckedChain {
    /// The id in its records.
    pub id: String,
    /// The readable records, without changed ones.
    pub records: Vec<Record>,
    pub faults: Faults,
    /// The first record of a newer version.
    pub newer: Option<Place>,
    /// The number and the hash of every whole record, also of those that are out of place.
    whole: Vec<(u64, Hash)>,
    lines: u64,
    is_ended: bool,
}

impl CheckedChain {
    pub fn verdict(&self) -> Verdict {
        if !self.faults.is_empty() {
            Verdict::Broken
        } else if self.newer.is_some() {
            Verdict::Newer
        } else if self.is_ended {
            Verdict::Intact
        } else {
            Verdict::Open
        }
    }

    /// Whether the chain has this record, wherever it stands. A foreign record in front of it makes it a fault, and does
    /// not remove it.
    pub(crate) fn has(&self, sequence: u64, hash: Hash) -> bool {
        self.whole.contains(&(sequence, hash))
    }

    /// The number of records, readable or not.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The time of the last readable record.
    pub fn last_at_ms(&self) -> Option<i64> {
        self.records.last().map(|record| record.entry().at_ms)
    }
}

/// One line of the log.
enum Line {
    Whole(Box<Record>),
    Newer(Option<Link>, Option<Hash>, bool),
    Wrong(FaultKind),
}

/// Checks all records of a chain. `name` is the chain's name in keys, and `objects` are in order.
pub fn chain(name: &str, objects: &[(String, Vec<u8>)]) -> CheckedChain {
    let mut checker = Checker::new(name);
    for (key, bytes) in objects {
        checker.object(key, bytes);
    }
    checker.checked
}

/// Checks an unlinked record. `Ok(None)`: it has a newer version.
pub fn delivery(object: &str, bytes: &[u8]) -> Result<Option<Record>, Fault> {
    let fault = |line, kind| Fault {
        place: Place {
            object: object.to_owned(),
            line,
        },
        kind,
    };
    let Some(line) = bytes.strip_suffix(b"\n") else {
        return Err(fault(1, FaultKind::CutOff));
    };
    match parse(line) {
        Line::Newer(..) => Ok(None),
        Line::Wrong(kind) => Err(fault(1, kind)),
        Line::Whole(record) if record.link().is_some() => Err(fault(1, FaultKind::Linked)),
        Line::Whole(record) if !key::is_delivery_at(object, record.entry().at_ms) => {
            Err(fault(1, FaultKind::Misplaced))
        }
        Line::Whole(record) => Ok(Some(*record)),
    }
}

fn parse(line: &[u8]) -> Line {
    let Some((text, value)) = std::str::from_utf8(line)
        .ok()
        .and_then(|text| Some((text, serde_json::from_str::<Value>(text).ok()?)))
    else {
        return Line::Wrong(FaultKind::Unreadable);
    };
    let Some(version) = value.get("version").and_then(Value::as_u64) else {
        return Line::Wrong(FaultKind::Unreadable);
    };
    if version > u64::from(VERSION) {
        let is_end =
            value.pointer("/entry/action").and_then(Value::as_str) == Some(Action::ChainEnded.as_str());
        return Line::Newer(part(&value, "link"), part(&value, "hash"), is_end);
    }
    // The form counts too: programs differ in how they read a name that occurs twice.
    let stated = value.get("hash").and_then(Value::as_str);
    if canonical(&value) != text || stated != Some(&expected_hash(value.clone()).to_string()) {
        return Line::Wrong(FaultKind::Changed);
    }
    match Record::deserialize(value) {
        Ok(record) => Line::Whole(Box::new(record)),
        Err(_) => Line::Wrong(FaultKind::Unreadable),
    }
}

/// A field that a newer version may still write in the same way.
fn part<T: for<'de> Deserialize<'de>>(value: &Value, name: &str) -> Option<T> {
    T::deserialize(value.get(name)?).ok()
}

/// What is known of the previous record.
enum Before {
    Nothing,
    Known(Hash),
    /// It is unreadable or missing, so the next record is not compared with it.
    Unknown,
}

struct Checker<'a> {
    name: &'a str,
    checked: CheckedChain,
    /// The expected number of the next record.
    next: u64,
    before: Before,
}

impl<'a> Checker<'a> {
    fn new(name: &'a str) -> Self {
        Self {
            name,
            checked: CheckedChain {
                id: name.to_owned(),
                records: Vec::new(),
                faults: Faults::default(),
                newer: None,
                whole: Vec::new(),
                lines: 0,
                is_ended: false,
            },
            next: 1,
            before: Before::Nothing,
        }
    }

    fn object(&mut self, key: &str, bytes: &[u8]) {
        let place = |line| Place {
            object: key.to_owned(),
            line,
        };
        let first = key::first_of_batch(key);
        if first.is_none() {
            self.fault(place(1), FaultKind::UnknownObject);
        }
        let (text, is_cut_off) = match bytes.strip_suffix(b"\n") {
            Some(text) => (text, false),
            None => (bytes, true),
        };
        let mut lines = 0;
        for (at, line) in text.split(|byte| *byte == b'\n').enumerate() {
            lines = at + 1;
            let parsed = parse(line);
            if let (0, Line::Whole(record), Some(first)) = (at, &parsed, first)
                && record.link().is_some_and(|link| link.sequence != first)
            {
                self.fault(place(lines), FaultKind::Misplaced);
            }
            self.line(place(lines), parsed);
        }
        if is_cut_off {
            self.fault(place(lines), FaultKind::CutOff);
        }
    }

    fn line(&mut self, place: Place, line: Line) {
        self.checked.lines += 1;
        match line {
            Line::Whole(record) => self.record(place, *record),
            Line::Newer(link, hash, is_end) => {
                self.checked.newer.get_or_insert(place.clone());
                self.checked.is_ended |= is_end;
                let sequence = link.map_or(self.next, |link| link.sequence);
                self.missing_before(sequence, place);
                self.next = sequence.saturating_add(1);
                self.before = hash.map_or(Before::Unknown, Before::Known);
            }
            Line::Wrong(kind) => {
                self.fault(place, kind);
                self.next = self.next.saturating_add(1);
                self.before = Before::Unknown;
            }
        }
    }

    fn record(&mut self, place: Place, record: Record) {
        let Some(link) = record.link().cloned() else {
            self.fault(place, FaultKind::NotLinked);
            return;
        };
        let id = record.entry().chain.as_deref().unwrap_or_default();
        if key::chain_name(id) != self.name {
            let chain = id.to_owned();
            self.fault(place, FaultKind::OtherChain { chain });
            return;
        }
        id.clone_into(&mut self.checked.id);
        self.checked.whole.push((link.sequence, record.hash()));
        if self.checked.is_ended {
            self.fault(place.clone(), FaultKind::AfterEnd);
        }
        self.checked.is_ended |= record.entry().action == Action::ChainEnded;
        if link.sequence < self.next {
            // The next record is not compared with this one, which is out of place.
            self.fault(
                place,
                FaultKind::Again {
                    sequence: link.sequence,
                },
            );
            return;
        }
        let is_gap = self.missing_before(link.sequence, place.clone());
        if !is_gap && !self.follows(&link) {
            self.fault(
                place,
                FaultKind::Unlinked {
                    sequence: link.sequence,
                },
            );
        }
        self.next = link.sequence.saturating_add(1);
        self.before = Before::Known(record.hash());
        self.checked.records.push(record);
    }

    /// Whether records are missing before this one. They are a fault then.
    fn missing_before(&mut self, sequence: u64, place: Place) -> bool {
        if sequence <= self.next {
            return false;
        }
        let missing = FaultKind::Missing {
            first: self.next,
            last: sequence - 1,
        };
        self.fault(place, missing);
        true
    }

    fn follows(&self, link: &Link) -> bool {
        match self.before {
            Before::Nothing => link.previous.is_none(),
            Before::Known(hash) => link.previous == Some(hash),
            Before::Unknown => true,
        }
    }

    fn fault(&mut self, place: Place, kind: FaultKind) {
        self.checked.faults.add(Fault { place, kind });
    }
}
