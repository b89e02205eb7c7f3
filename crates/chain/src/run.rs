//! Spacelift's states and types of runs: closed enums, with `Unknown` for values that Spacelift adds later.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// Longer values are cut: they end up in logs and in Temporal, and Spacelift's values are short.
pub const MAX_UNKNOWN_BYTES: usize = 64;

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
        #[serde(from = "String")]
        #[schemars(with = "String")]
        pub enum $name {
            $($variant,)+
            /// A value that this version does not know, cut to [`MAX_UNKNOWN_BYTES`].
            Unknown(String),
        }

        impl $name {
            /// Every value that this version knows.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    _ => {
                        let end = text.floor_char_boundary(MAX_UNKNOWN_BYTES);
                        Self::Unknown(text.get(..end).unwrap_or_default().to_owned())
                    }
                }
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::from(text.as_str())
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.as_str().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

wire_enum!(
    /// The state of a run. Only a stack can have `NONE`: it had no run yet.
    RunState {
        None = "NONE",
        Queued = "QUEUED",
        Canceled = "CANCELED",
        Initializing = "INITIALIZING",
        Planning = "PLANNING",
        Failed = "FAILED",
        Finished = "FINISHED",
        Unconfirmed = "UNCONFIRMED",
        Discarded = "DISCARDED",
        Confirmed = "CONFIRMED",
        Applying = "APPLYING",
        Performing = "PERFORMING",
        Stopped = "STOPPED",
        Destroying = "DESTROYING",
        Preparing = "PREPARING",
        PreparingApply = "PREPARING_APPLY",
        Skipped = "SKIPPED",
        ReplanRequested = "REPLAN_REQUESTED",
        Pending = "PENDING",
        Ready = "READY",
        PreparingReplan = "PREPARING_REPLAN",
        PendingReview = "PENDING_REVIEW",
    }
);

impl RunState {
    /// The run ended, and its state no longer changes.
    pub fn is_terminal(&self) -> bool {
        matches!(
            self,
            Self::Canceled | Self::Failed | Self::Finished | Self::Discarded | Self::Stopped | Self::Skipped
        )
    }

    /// The run ended successfully.
    pub fn succeeded(&self) -> bool {
        matches!(self, Self::Finished)
    }
}

wire_enum!(
    /// The type of a run. Only tracked runs change the infrastructure of a stack's branch.
    RunType {
        Tracked = "TRACKED",
        Proposed = "PROPOSED",
        Task = "TASK",
        Testing = "TESTING",
        Destroy = "DESTROY",
        Parse = "PARSE",
    }
);

/// The longest hash in Git: SHA-256, in hexadecimal digits.
const SHA_DIGITS_MAX: usize = 64;

/// The hash of a commit, as Spacelift prints it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct CommitSha(String);

/// A text that is not the hash of a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not the hash of a commit: 1 to {SHA_DIGITS_MAX} hexadecimal digits")]
pub struct CommitShaError {
    text: String,
}

impl CommitSha {
    /// `None` if the text is not a hash, such as the empty text that Spacelift sends for an unknown commit.
    pub fn new(text: impl Into<String>) -> Option<Self> {
        Self::try_from(text.into()).ok()
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first seven characters, as people write it.
    pub fn short(&self) -> &str {
        self.0.get(..7).unwrap_or(&self.0)
    }
}

impl fmt::Display for CommitSha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for CommitSha {
    type Err = CommitShaError;

    fn from_str(text: &str) -> Result<Self, CommitShaError> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for CommitSha {
    type Error = CommitShaError;

    fn try_from(text: String) -> Result<Self, CommitShaError> {
        let is_hash =
            (1..=SHA_DIGITS_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
        if is_hash {
            Ok(Self(text))
        } else {
            Err(CommitShaError { text })
        }
    }
}

impl From<CommitSha> for String {
    fn from(sha: CommitSha) -> Self {
        sha.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn six_of_22_states_are_terminal_and_one_is_success() {
        assert_eq!(RunState::ALL.len(), 22);
        let terminal: Vec<_> = RunState::ALL
            .iter()
            .filter(|state| state.is_terminal())
            .map(RunState::as_str)
            .collect();
        assert_eq!(
            terminal,
            [
                "CANCELED",
                "FAILED",
                "FINISHED",
                "DISCARDED",
                "STOPPED",
                "SKIPPED"
            ]
        );
        let good: Vec<_> = RunState::ALL.iter().filter(|state| state.succeeded()).collect();
        assert_eq!(good, [&RunState::Finished]);
    }

    #[test]
    fn every_known_value_is_read_and_written() {
        for state in RunState::ALL {
            assert_eq!(&RunState::from(state.as_str()), state);
            assert_eq!(serde_json::to_value(state).unwrap(), json!(state.as_str()));
        }
        for run_type in RunType::ALL {
            assert_eq!(
                serde_json::from_value::<RunType>(json!(run_type.as_str())).unwrap(),
                *run_type
            );
        }
    }

    #[test]
    fn an_unknown_value_survives() {
        let state: RunState = serde_json::from_value(json!("LEVITATING")).unwrap();
        assert_eq!(state, RunState::Unknown("LEVITATING".to_owned()));
        assert!(!state.is_terminal() && !state.succeeded());
        assert_eq!(serde_json::to_value(&state).unwrap(), json!("LEVITATING"));
        // Case matters in the name.
        assert_eq!(
            RunState::from("finished"),
            RunState::Unknown("finished".to_owned())
        );
    }

    #[test]
    fn an_unknown_value_is_cut_between_characters() {
        let state = RunState::from("é".repeat(MAX_UNKNOWN_BYTES));
        assert_eq!(state.as_str(), "é".repeat(MAX_UNKNOWN_BYTES / 2));
        assert_eq!(RunState::from(state.as_str()), state);
    }

    #[test]
    fn states_and_types_are_serialized_as_strings() {
        for schema in [
            schemars::schema_for!(RunState),
            schemars::schema_for!(RunType),
            schemars::schema_for!(CommitSha),
            schemars::schema_for!(crate::StackId),
        ] {
            assert_eq!(schema.get("type"), Some(&json!("string")), "{schema:?}");
        }
    }

    #[test]
    fn a_commit_is_hexadecimal() {
        let sha = CommitSha::new("0ee3a3b7266daf5a1d44a193a0f48ce995fa75eb").unwrap();
        assert_eq!(sha.short(), "0ee3a3b");
        assert_eq!(CommitSha::new("ab").unwrap().short(), "ab");
        assert!(CommitSha::new("a".repeat(64)).is_some());
        for absurd in ["", "main", "0ee3 a3b", "--upload-pack=x", "é", &"a".repeat(65)] {
            assert_eq!(CommitSha::new(absurd), None, "{absurd:?}");
            assert!(
                serde_json::from_value::<CommitSha>(json!(absurd)).is_err(),
                "{absurd:?}"
            );
        }
    }
}
