//! The content of a record.

use chain::{AccountName, CommitSha, Reason, ReasonCode, RunId, StackId};
use serde::{Deserialize, Serialize};

use crate::Action;

/// The longest text of an entry; longer texts are cut. Reasons come from other systems, and a batch of records has to
/// fit into one Temporal payload.
const TEXT_BYTES_MAX: usize = 2_048;

/// What happened: when, by whom, to what, why, and with which outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at_ms: i64,
    /// `webhook`, `worker`, `spacelift:<login>`, or `operator:<who>` and `request:<who>` as the request names them: no
    /// other personal data.
    pub actor: String,
    pub action: Action,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<StackId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The chain's id. Every linked record has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// When the stack's run started, where `at_ms` is its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at_ms: Option<i64>,
    /// How often it happened: floods are summarised in one record.
    #[serde(default = "once")]
    pub count: u64,
}

fn once() -> u64 {
    1
}

impl Entry {
    pub fn new(at_ms: i64, actor: impl Into<String>, action: Action) -> Self {
        Self {
            at_ms,
            actor: actor.into(),
            action,
            account: None,
            stack: None,
            run: None,
            chain: None,
            commit: None,
            outcome: None,
            reason: None,
            started_at_ms: None,
            count: once(),
        }
    }

    /// The same entry with no text over [`TEXT_BYTES_MAX`]. The chain's id is not cut: its workflow limits it.
    pub(crate) fn cut(mut self) -> Self {
        cut(&mut self.actor);
        if let Some(outcome) = &mut self.outcome {
            cut(outcome);
        }
        if let Some(reason) = &mut self.reason {
            if let ReasonCode::Other(code) = &mut reason.code {
                cut(code);
            }
            cut(&mut reason.text);
        }
        self
    }
}

fn cut(text: &mut String) {
    const MARK: char = '…';
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX - MARK.len_utf8()));
        text.push(MARK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        let mut entry = Entry::new(0, "é".repeat(3_000), Action::StackEnded);
        entry.reason = Some(Reason::new("x".to_owned(), "a".repeat(TEXT_BYTES_MAX)));
        let cut = entry.clone().cut();
        assert!(cut.actor.len() <= TEXT_BYTES_MAX && cut.actor.ends_with("é…"));
        assert_eq!(cut.reason, entry.reason, "what fits is left alone");
        assert_eq!(cut.clone().cut(), cut);
    }
}
