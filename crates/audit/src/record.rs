//! Entries with their hashes, and the trail that links those of one chain.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::canonical::canonical;
use crate::{Entry, Hash};

/// The version of the records that this program writes.
pub const VERSION: u32 = 1;

/// The position of a record in its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// From 1.
    pub sequence: u64,
    /// The hash of the previous record.
    pub previous: Option<Hash>,
}

/// A stored entry. The hash covers everything else; the crate's page says how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u32,
    entry: Entry,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<Link>,
    hash: Hash,
}

impl Record {
    /// A record that belongs to no chain.
    pub fn unlinked(entry: Entry) -> Self {
        Self::new(entry, None)
    }

    fn new(entry: Entry, link: Option<Link>) -> Self {
        let entry = entry.cut();
        Self {
            hash: Hash::of(hashed_text(VERSION, &entry, link.as_ref()).as_bytes()),
            version: VERSION,
            entry,
            link,
        }
    }

    pub fn version(&self) -> u32 {
        self.version
    }

    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    pub fn link(&self) -> Option<&Link> {
        self.link.as_ref()
    }

    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Whether the hash fits the rest. A record from elsewhere may have been changed.
    pub(crate) fn is_whole(&self) -> bool {
        self.hash == Hash::of(hashed_text(self.version, &self.entry, self.link.as_ref()).as_bytes())
    }

    /// The line that is stored, with its newline.
    pub(crate) fn line(&self) -> String {
        let mut line = canonical(&json!(self));
        line.push('\n');
        line
    }
}

fn hashed_text(version: u32, entry: &Entry, link: Option<&Link>) -> String {
    let mut hashed = json!({"version": version, "entry": entry});
    if let Some(link) = link {
        hashed["link"] = json!(link);
    }
    canonical(&hashed)
}

/// The correct hash of a stored record, whatever fields it has.
pub(crate) fn expected_hash(mut record: Value) -> Hash {
    if let Some(fields) = record.as_object_mut() {
        fields.remove("hash");
    }
    Hash::of(canonical(&record).as_bytes())
}

/// Links the records of one chain: it knows the number and hash of the last one. The same entries give the same
/// records, so a workflow can hold it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// The number of records so far.
    #[serde(default)]
    records: u64,
    /// The hash of the last one.
    #[serde(default)]
    head: Option<Hash>,
}

impl Trail {
    /// Makes the next record of the chain. Its entry has to name the chain.
    pub fn append(&mut self, entry: Entry) -> Record {
        self.records += 1;
        let record = Record::new(
            entry,
            Some(Link {
                sequence: self.records,
                previous: self.head,
            }),
        );
        self.head = Some(record.hash);
        record
    }

    /// The number of records so far.
    pub fn records(&self) -> u64 {
        self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Action;

    fn entry() -> Entry {
        let mut entry = Entry::new(1_745_600_100_383, "worker", Action::ChainEnded);
        entry.chain = Some("chain:acme:01J".to_owned());
        entry.outcome = Some("finished".to_owned());
        entry
    }

    /// Computed by another program.
    #[test]
    fn hashes_match_those_of_other_implementations() {
        assert_eq!(
            Record::unlinked(entry()).line(),
            concat!(
                r#"{"entry":{"action":"chain_ended","actor":"worker","at_ms":1745600100383,"chain":"chain:acme:01J","#,
                r#""count":1,"outcome":"finished"},"#,
                r#""hash":"c0eb752be05d1e611913435675751fb5367214d2785129c5fb79e00a200abf14","version":1}"#,
                "\n"
            )
        );
        let mut trail = Trail::default();
        trail.append(entry());
        assert_eq!(
            trail.append(entry()).hash().to_string(),
            "cfea5c038f2f466030ea24eb163b85b60143796818a8895b92d09e0f3e117552"
        );
    }

    #[test]
    fn a_saved_trail_continues() {
        let mut trail = Trail::default();
        let first = trail.append(entry());
        let mut saved: Trail = serde_json::from_value(json!(trail)).unwrap();
        assert_eq!(saved, trail);
        let second = saved.append(entry());
        assert_eq!(second, trail.append(entry()));
        assert_eq!(
            second.link(),
            Some(&Link {
                sequence: 2,
                previous: Some(first.hash())
            })
        );
    }

    #[test]
    fn a_parsed_record_shows_whether_it_was_changed() {
        let record = Trail::default().append(entry());
        let read: Record = serde_json::from_str(&record.line()).unwrap();
        assert_eq!(read, record);
        assert!(read.is_whole());
        let other: Record = serde_json::from_str(&record.line().replace("worker", "nobody")).unwrap();
        assert!(!other.is_whole());
    }
}
