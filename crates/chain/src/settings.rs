//! The parameters that shape a chain. They are recorded in it, so that a change of the configuration never
//! changes a chain that is under way.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::label::LabelGrammar;

/// How many runs of a chain are in flight at most, unless configured. Each takes one of the account's
/// workers.
pub const DEFAULT_PARALLEL_RUNS: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// How many stacks a chain may have, unless configured.
pub const DEFAULT_STACKS_MAX: u32 = 10_000;

/// How many bytes a chain may take in JSON, unless configured. Temporal allows 2 MiB for a payload, into which a chain
/// goes compressed to less than a tenth.
pub const DEFAULT_BYTES_MAX: u32 = 8_000_000;

/// What follows when a stack of a chain fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// Everything downstream of it is skipped; the rest goes on.
    #[default]
    SkipDownstream,
    /// Nothing new starts.
    Stop,
    /// It counts as done.
    Continue,
}

impl fmt::Display for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SkipDownstream => "skip-downstream",
            Self::Stop => "stop",
            Self::Continue => "continue",
        })
    }
}

/// A text that names no such policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is none of `skip-downstream`, `stop` and `continue`")]
pub struct OnFailureError {
    text: String,
}

impl FromStr for OnFailure {
    type Err = OnFailureError;

    fn from_str(text: &str) -> Result<Self, OnFailureError> {
        match text {
            "skip-downstream" => Ok(Self::SkipDownstream),
            "stop" => Ok(Self::Stop),
            "continue" => Ok(Self::Continue),
            _ => Err(OnFailureError {
                text: text.to_owned(),
            }),
        }
    }
}

/// What follows where a dependency does not exist, or is not visible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownUpstream {
    /// What depends on it is skipped, with everything downstream: what cannot be seen is not done.
    #[default]
    Skip,
    /// It counts as done.
    Ignore,
}

impl fmt::Display for UnknownUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Skip => "skip",
            Self::Ignore => "ignore",
        })
    }
}

/// A text that names no such policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is neither `skip` nor `ignore`")]
pub struct UnknownUpstreamError {
    text: String,
}

impl FromStr for UnknownUpstream {
    type Err = UnknownUpstreamError;

    fn from_str(text: &str) -> Result<Self, UnknownUpstreamError> {
        match text {
            "skip" => Ok(Self::Skip),
            "ignore" => Ok(Self::Ignore),
            _ => Err(UnknownUpstreamError {
                text: text.to_owned(),
            }),
        }
    }
}

/// How a chain is planned and run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ChainSettings {
    /// How many runs are in flight at most.
    pub parallel_runs: NonZeroU32,
    pub on_failure: OnFailure,
    pub unknown_upstream: UnknownUpstream,
    /// With which words a label names a dependency.
    pub label_prefixes: LabelGrammar,
    /// How many stacks a chain may have; it is refused otherwise.
    pub stacks_max: u32,
    /// How many bytes a chain may take in JSON; it is refused otherwise.
    pub bytes_max: u32,
}

impl Default for ChainSettings {
    fn default() -> Self {
        Self {
            parallel_runs: DEFAULT_PARALLEL_RUNS,
            on_failure: OnFailure::default(),
            unknown_upstream: UnknownUpstream::default(),
            label_prefixes: LabelGrammar::default(),
            stacks_max: DEFAULT_STACKS_MAX,
            bytes_max: DEFAULT_BYTES_MAX,
        }
    }
}
