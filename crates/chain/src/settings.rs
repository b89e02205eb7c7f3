//! The parameters that shape a chain. They are recorded in it, so that a change of the configuration never changes an
//! open chain.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::label::LabelGrammar;
use crate::name::UnknownName;

/// The default for the number of runs of a chain that can be in progress at once. Each takes one of the account's
/// workers.
pub const DEFAULT_PARALLEL_RUNS: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// The default for the number of stacks in a chain.
pub const DEFAULT_STACKS_MAX: u32 = 10_000;

/// The default for the size of a chain in bytes of JSON. Temporal allows 2 MiB for a payload, and a chain is compressed
/// to less than a tenth.
pub const DEFAULT_BYTES_MAX: u32 = 8_000_000;

/// What happens when a stack of a chain fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<OnFailure>)]
pub enum OnFailure {
    /// Everything downstream of it is skipped; the rest continues.
    #[default]
    SkipDownstream,
    /// Nothing new starts.
    Stop,
    /// The stack counts as done.
    Continue,
}

/// What happens if a dependency does not exist or is not visible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<UnknownUpstream>)]
pub enum UnknownUpstream {
    /// Its dependents are skipped, with everything downstream: an invisible stack cannot be known to be done.
    #[default]
    Skip,
    /// The stack counts as done.
    Ignore,
}

/// What happens if a run is due and no upstream changed in its chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<NoChange>)]
pub enum NoChange {
    /// It runs nevertheless: a stack's outputs may have changed even though no resource did.
    #[default]
    Run,
    /// It is skipped, and its dependents continue.
    Skip,
}

/// Who allows a chain to begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[derive(strum::Display, strum::EnumString, strum::VariantNames)]
#[strum(serialize_all = "kebab-case", parse_err_ty = UnknownName, parse_err_fn = UnknownName::of::<Confirm>)]
pub enum Confirm {
    /// Each stack is confirmed in Spacelift, as configured there.
    #[default]
    Spacelift,
    /// In addition, a chain that a push started waits for a person's approval before its first run.
    Chain,
}

/// The largest number of retries of a failed run: each retry takes a worker.
pub const RUN_RETRIES_MAX: u32 = 10;

/// How a chain is planned and run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ChainSettings {
    /// How many runs can be in progress at once.
    pub parallel_runs: NonZeroU32,
    pub on_failure: OnFailure,
    pub unknown_upstream: UnknownUpstream,
    pub no_change: NoChange,
    /// How often a failed run is retried, unless a label of its stack says otherwise.
    pub run_retries: u32,
    pub confirm: Confirm,
    /// A chain with more stacks waits for a person's approval. 0 means never.
    pub ask_above: u32,
    /// The label prefixes of dependencies.
    pub label_prefixes: LabelGrammar,
    /// How many stacks a chain can have. A larger one is refused.
    pub stacks_max: u32,
    /// How many bytes of JSON a chain can have. A larger one is refused.
    pub bytes_max: u32,
}

impl Default for ChainSettings {
    fn default() -> Self {
        Self {
            parallel_runs: DEFAULT_PARALLEL_RUNS,
            on_failure: OnFailure::default(),
            unknown_upstream: UnknownUpstream::default(),
            no_change: NoChange::default(),
            run_retries: 0,
            confirm: Confirm::default(),
            ask_above: 0,
            label_prefixes: LabelGrammar::default(),
            stacks_max: DEFAULT_STACKS_MAX,
            bytes_max: DEFAULT_BYTES_MAX,
        }
    }
}

/// A duration in the form that is stored in Temporal.
pub fn milliseconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::milliseconds;

    #[test]
    fn a_duration_is_stored_in_milliseconds() {
        assert_eq!(milliseconds(Duration::from_millis(90_001)), 90_001);
        assert_eq!(milliseconds(Duration::MAX), i64::MAX);
    }
}
