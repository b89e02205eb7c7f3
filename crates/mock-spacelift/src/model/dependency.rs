//! Spacelift's native stack dependencies. Spillway uses labels; these exist so that a stack may have both.

use chain::StackId;

/// `stack` waits for `depends_on`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NativeDependency {
    pub id: String,
    pub stack: StackId,
    pub depends_on: StackId,
    pub trigger_always: bool,
    pub references: Vec<DependencyReference>,
}

/// What an output becomes, unless the client says otherwise.
pub(crate) const ENVIRONMENT_VARIABLE: &str = "ENVIRONMENT_VARIABLE";

/// An output of the upstream stack that becomes an input of the downstream one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DependencyReference {
    pub id: String,
    pub output_name: String,
    pub input_name: String,
    pub input_type: String,
    pub trigger_always: bool,
}
