//! The faults of a log, and their places.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::Hash;

/// How many faults of a chain are kept.
const KEPT_MAX: usize = 100;

/// A line of an object of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    pub object: String,
    /// From 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.object, self.line)
    }
}

/// One difference from what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub place: Place,
    pub kind: FaultKind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.kind)
    }
}

/// The faults of a chain, in the order of the log. Only the first ones are kept: an object of empty lines has millions,
/// and whoever may write records could stop every verification with it.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    kept: Vec<Fault>,
    count: usize,
    hasher: Sha256,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.count += 1;
        let line = format!("{} {}\n", fault.place, fault.kind.code());
        self.hasher.update(line);
        if self.kept.len() < KEPT_MAX {
            self.kept.push(fault);
        }
    }

    /// The first ones, a hundred at most.
    pub fn kept(&self) -> &[Fault] {
        &self.kept
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Tells these faults from other ones. It includes those that are not kept.
    pub(crate) fn hash(&self) -> Hash {
        Hash::of_all(self.hasher.clone())
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum FaultKind {
    /// The line is not a record.
    Unreadable,
    /// The object's last line has no newline.
    CutOff,
    /// The hash does not fit the rest, or the line is not in canonical form.
    Changed,
    /// Records before this one are missing.
    Missing { first: u64, last: u64 },
    /// A record that was there already, or whose place is earlier.
    Again { sequence: u64 },
    /// Its `previous` is not the hash of the record before it.
    Unlinked { sequence: u64 },
    /// An unlinked record among those of a chain.
    NotLinked,
    /// A record of a chain among the unlinked ones.
    Linked,
    /// A record of another chain.
    OtherChain { chain: String },
    /// A record after the chain's end.
    AfterEnd,
    /// The object's key does not fit its first record.
    Misplaced,
    /// The object's key does not have the form of the log's keys.
    UnknownObject,
    /// This program cannot check it.
    Newer,
    /// No program of ours writes an object of this size, so it is not read.
    TooLarge,
}

impl FaultKind {
    /// A code for programs.
    pub fn code(&self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("the line is not a record"),
            Self::CutOff => f.write_str("the line is cut off"),
            Self::Changed => f.write_str("the record was changed: its hash does not match its content"),
            Self::Missing { first, last } if first == last => {
                write!(f, "record {first} is missing before it")
            }
            Self::Missing { first, last } => write!(f, "the records {first} to {last} are missing before it"),
            Self::Again { sequence } => write!(f, "record {sequence} was inserted, or exists twice"),
            Self::Unlinked { sequence } => {
                write!(
                    f,
                    "record {sequence} does not follow from the one before it: one of both was replaced"
                )
            }
            Self::NotLinked => f.write_str("the record was inserted: it belongs to no chain"),
            Self::Linked => f.write_str("the record belongs to a chain"),
            Self::OtherChain { chain } => write!(f, "the record belongs to the chain `{chain}`"),
            Self::AfterEnd => f.write_str("the record comes after the chain's end"),
            Self::Misplaced => f.write_str("the object is not called after its first record"),
            Self::UnknownObject => f.write_str("its name is not that of an object of an audit log"),
            Self::Newer => {
                f.write_str("the record says that a newer version wrote it, so it was not verified")
            }
            Self::TooLarge => f.write_str("the object is larger than any of an audit log"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, FaultKind, Faults, Place};
    use crate::Hash;

    /// Manifests in logs have this hash.
    #[test]
    fn the_hash_is_that_of_the_places_and_codes() {
        let mut faults = Faults::default();
        for (line, kind) in [(1, FaultKind::Unreadable), (7, FaultKind::CutOff)] {
            let object = "chains/a/00000001.jsonl".to_owned();
            faults.add(Fault {
                place: Place { object, line },
                kind,
            });
        }
        let text = "chains/a/00000001.jsonl:1 unreadable\nchains/a/00000001.jsonl:7 cut_off\n";
        assert_eq!(faults.hash(), Hash::of(text.as_bytes()));
    }
}
