//! Why a stack did not run, did not end well, or counts as done without a run.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longer texts are cut: reasons are stored in histories and shown in lists.
pub const REASON_CHARACTERS_MAX: usize = 500;

/// A code for programs, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    #[schemars(with = "String")]
    pub code: ReasonCode,
    pub text: String,
}

/// An order of a person, with the reason.
pub fn with_reason(ordered: &str, reason: Option<&str>) -> String {
    match reason.map(str::trim).filter(|reason| !reason.is_empty()) {
        Some(reason) => format!("{ordered}: {reason}"),
        None => ordered.to_owned(),
    }
}

/// The code of a reason. It is stored as its word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::Display, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
#[serde(from = "String", into = "String")]
pub enum ReasonCode {
    /// The chain has more than `ask_above` stacks and waits for an approval.
    AskAbove,
    ChainApproved,
    ChainCancelled,
    ChainPaused,
    ChainResumed,
    /// The failure of a stack stopped the chain.
    ChainStopped,
    /// The root's changes could not be read, so everything downstream runs.
    ChangesUnknown,
    /// The setting `confirm = chain` requires an approval.
    ConfirmChain,
    Disabled,
    /// A person counted the stack as done.
    DoneByHand,
    /// The root's label limits the chain to the stacks that its run changed.
    DownstreamChanged,
    DueAgain,
    Freeze,
    /// No upstream changed any resource.
    NoChange,
    NotVisible,
    /// A person's reason for an order.
    Ordered,
    RunFailed,
    RunRetry,
    RunSkipped,
    Timeout,
    TriggerFailed,
    TriggerRefused,
    UnknownUpstream,
    UpstreamFailed,
    /// An upstream was skipped, because one of its dependencies is unknown.
    UpstreamSkipped,
    /// Why there is no chain, why the webhook refused a delivery, or a code of a newer version.
    #[strum(default)]
    Other(String),
}

impl Reason {
    pub fn new(code: impl Into<ReasonCode>, text: impl Into<String>) -> Self {
        let text: String = text.into();
        Self {
            code: code.into(),
            text: match text.char_indices().nth(REASON_CHARACTERS_MAX) {
                Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
                None => text,
            },
        }
    }

    /// Why a person ordered something, unless they said nothing.
    pub fn ordered(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self::new(ReasonCode::Ordered, text))
    }

    /// It holds until the failure is repaired.
    pub fn is_by_failure(&self) -> bool {
        self.code == ReasonCode::UpstreamFailed
    }

    /// A retry of the chain removes it, or decides again whether it applies.
    pub fn is_retried(&self) -> bool {
        matches!(
            self.code,
            ReasonCode::UpstreamFailed
                | ReasonCode::ChainStopped
                | ReasonCode::ChainCancelled
                | ReasonCode::UnknownUpstream
                | ReasonCode::UpstreamSkipped
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<String> for ReasonCode {
    fn from(word: String) -> Self {
        word.parse().unwrap_or(Self::Other(word))
    }
}

impl From<ReasonCode> for String {
    fn from(code: ReasonCode) -> Self {
        code.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_as_one_word_and_an_unknown_word_is_kept() {
        for (code, word) in [
            (ReasonCode::UpstreamFailed, "upstream_failed"),
            (ReasonCode::AskAbove, "ask_above"),
            (
                ReasonCode::Other("from_a_newer_version".to_owned()),
                "from_a_newer_version",
            ),
        ] {
            assert_eq!(serde_json::to_value(&code).unwrap(), word);
            assert_eq!(serde_json::from_value::<ReasonCode>(word.into()).unwrap(), code);
        }
    }
}
