//! How much of the audit log of a chain is written at once, and carried to the next history.

use audit::Record;

/// The most that one batch has, and the most that the next history gets, in bytes of JSON. Temporal allows 2 MiB for a
/// payload, and what the next history gets comes beside the record of the chain.
pub(super) const BATCH_BYTES_MAX: usize = 512 * 1024;
const CARRIED_BYTES_MAX: usize = 1024 * 1024;
/// The length at which a history continues in a new one in any case. Temporal allows 51,200 events.
const HISTORY_EVENTS_MAX: u32 = 45_000;

pub(super) fn size(record: &Record) -> usize {
    serde_json::to_vec(record).map_or(0, |json| json.len())
}

/// Whether so much is unwritten that the next history does not get it, as long as this one has room.
pub(super) fn must_be_written_first(bytes: usize, history_events: u32) -> bool {
    bytes > CARRIED_BYTES_MAX && history_events < HISTORY_EVENTS_MAX
}

/// Splits a batch that is too large.
pub(super) fn batches(records: Vec<Record>) -> Vec<Vec<Record>> {
    let mut batches: Vec<Vec<Record>> = Vec::new();
    let mut bytes = 0;
    for record in records {
        bytes += size(&record);
        match batches.last_mut() {
            Some(batch) if bytes <= BATCH_BYTES_MAX => batch.push(record),
            _ => {
                bytes = size(&record);
                batches.push(vec![record]);
            }
        }
    }
    batches
}

#[cfg(test)]
pub(super) mod tests {
    use audit::{Action, Entry};

    use super::*;

    /// An entry of a kilobyte.
    pub(in super::super) fn entry() -> Entry {
        let mut entry = Entry::new(1, "worker", Action::StackEnded);
        entry.outcome = Some("x".repeat(1024));
        entry
    }

    pub(in super::super) fn records(count: usize) -> Vec<Record> {
        let mut trail = audit::Trail::default();
        (0..count).map(|_| trail.append(entry())).collect()
    }

    #[test]
    fn a_history_waits_for_the_log_while_it_has_room() {
        for (bytes, events, waits) in [
            (0, 0, false),
            (CARRIED_BYTES_MAX, 8_001, false),
            (CARRIED_BYTES_MAX + 1, 8_001, true),
            (CARRIED_BYTES_MAX + 1, HISTORY_EVENTS_MAX - 1, true),
            (CARRIED_BYTES_MAX + 1, HISTORY_EVENTS_MAX, false),
        ] {
            assert_eq!(must_be_written_first(bytes, events), waits, "{bytes} {events}");
        }
    }

    #[test]
    fn a_batch_is_split_at_its_limit_and_no_record_is_lost() {
        for (count, expected) in [(0, 0), (1, 1), (300, 1), (1_500, 4)] {
            let all = records(count);
            let split = batches(all.clone());
            assert_eq!(split.len(), expected, "{count}");
            for batch in &split {
                assert!(batch.iter().map(size).sum::<usize>() <= BATCH_BYTES_MAX);
            }
            assert_eq!(split.concat(), all);
        }
    }
}
