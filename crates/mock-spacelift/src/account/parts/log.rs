//! What people, pushes, policies and API keys did, in order.

use crate::model::clock::Timestamp;
use crate::model::log::{LogAction, LogEntry};

#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Vec<LogEntry>,
}

impl Log {
    pub(crate) fn add(&mut self, by: Option<&str>, action: LogAction) {
        self.entries.push(LogEntry {
            at_ms: Timestamp::now().millis(),
            by: by.map(str::to_owned),
            action,
        });
    }

    pub(crate) fn entries(&self) -> &[LogEntry] {
        &self.entries
    }
}
