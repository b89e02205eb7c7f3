//! The faults of a log, and their places.

use std::fmt;

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

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// No program of ours writes an object of this size, so it is not read.
    TooLarge,
}

impl FaultKind {
    /// A code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::CutOff => "cut_off",
            Self::Changed => "changed",
            Self::Missing { .. } => "missing",
            Self::Again { .. } => "again",
            Self::Unlinked { .. } => "unlinked",
            Self::NotLinked => "not_linked",
            Self::Linked => "linked",
            Self::OtherChain { .. } => "other_chain",
            Self::AfterEnd => "after_end",
            Self::Misplaced => "misplaced",
            Self::UnknownObject => "unknown_object",
            Self::TooLarge => "too_large",
        }
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
            Self::TooLarge => f.write_str("the object is larger than any of an audit log"),
        }
    }
}
