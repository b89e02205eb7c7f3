//! Problems with the dependencies that people wrote.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::StackId;

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[derive(strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Severity {
    /// Something that was intended does not happen.
    Error,
    /// It works, but may be a surprise.
    Warning,
}

/// One problem with the dependencies between stacks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
#[derive(strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Problem {
    /// Each stack waits for the next one, and the last for the first. A chain that reaches them cannot run.
    Cycle { stacks: Vec<StackId> },
    /// These stacks have more cycles than are listed.
    MoreCycles { stacks: Vec<StackId> },
    /// A stack waits for itself. A chain that reaches it cannot run.
    SelfDependency { stack: StackId, label: String },
    /// A label that looks like a dependency cannot be read.
    UnreadableLabel {
        stack: StackId,
        label: String,
        reason: String,
    },
    /// A label names a state other than FINISHED, so it adds no dependency. The other labels of the stack count.
    OtherState {
        stack: StackId,
        label: String,
        reason: String,
    },
    /// A label that looks like a policy of the stack cannot be read, so the default applies.
    UnreadablePolicy {
        stack: StackId,
        label: String,
        reason: String,
    },
    /// A label names a stack that does not exist, or that the API key cannot see.
    Dangling {
        dependent: StackId,
        dependency: StackId,
        label: String,
    },
    /// Two stacks have the same id. Only the first is used.
    DuplicateStack { stack: StackId },
    /// `dependent` waits for `dependency` by its label, and Spacelift itself runs them in the opposite order: they
    /// would start each other forever.
    AgainstNative { dependent: StackId, dependency: StackId },
    /// Spacelift itself also runs `dependent` after `dependency`, so that it runs twice.
    AlsoNative { dependent: StackId, dependency: StackId },
    /// Several labels name the same dependency.
    DuplicateEdge { dependent: StackId, dependency: StackId },
    /// A disabled stack has dependencies or dependents. It never runs.
    Disabled { stack: StackId },
}

impl Problem {
    pub fn severity(&self) -> Severity {
        match self {
            Self::Cycle { .. }
            | Self::MoreCycles { .. }
            | Self::SelfDependency { .. }
            | Self::UnreadableLabel { .. }
            | Self::OtherState { .. }
            | Self::UnreadablePolicy { .. }
            | Self::Dangling { .. }
            | Self::DuplicateStack { .. }
            | Self::AgainstNative { .. } => Severity::Error,
            Self::AlsoNative { .. } | Self::DuplicateEdge { .. } | Self::Disabled { .. } => Severity::Warning,
        }
    }

    /// One word for programs: the `code` in JSON.
    pub fn code(&self) -> &'static str {
        self.into()
    }

    /// The stacks whose settings must change to solve the problem.
    pub fn stacks(&self) -> &[StackId] {
        match self {
            Self::Cycle { stacks } | Self::MoreCycles { stacks } => stacks,
            Self::SelfDependency { stack, .. }
            | Self::UnreadableLabel { stack, .. }
            | Self::OtherState { stack, .. }
            | Self::UnreadablePolicy { stack, .. }
            | Self::DuplicateStack { stack }
            | Self::Disabled { stack } => std::slice::from_ref(stack),
            Self::Dangling { dependent, .. }
            | Self::AgainstNative { dependent, .. }
            | Self::AlsoNative { dependent, .. }
            | Self::DuplicateEdge { dependent, .. } => std::slice::from_ref(dependent),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle { stacks } => write!(f, "dependency cycle: {}", CyclePath(stacks)),
            Self::MoreCycles { stacks } => {
                write!(f, "more cycles than are listed, among {} stacks:", stacks.len())?;
                stacks.iter().try_for_each(|stack| write!(f, " `{stack}`"))
            }
            Self::SelfDependency { stack, label } => {
                write!(f, "`{stack}` depends on itself (label `{label}`)")
            }
            Self::UnreadableLabel { stack, reason, .. } | Self::OtherState { stack, reason, .. } => {
                write!(f, "`{stack}`: {reason}")
            }
            Self::UnreadablePolicy { stack, label, reason } => {
                write!(f, "`{stack}`: label `{label}` is not used: {reason}")
            }
            Self::Dangling {
                dependent,
                dependency,
                label,
            } => write!(
                f,
                "`{dependent}` depends on `{dependency}`, which does not exist or is not visible \
                 (label `{label}`)"
            ),
            Self::DuplicateStack { stack } => {
                write!(f, "`{stack}` is listed more than once; only the first is used")
            }
            Self::AgainstNative {
                dependent,
                dependency,
            } => write!(
                f,
                "`{dependent}` depends on `{dependency}` by label, and Spacelift's own dependency says the \
                 opposite: they would start each other forever"
            ),
            Self::AlsoNative {
                dependent,
                dependency,
            } => write!(
                f,
                "`{dependent}` depends on `{dependency}` by label and also by Spacelift's own dependency: \
                 it runs twice"
            ),
            Self::DuplicateEdge {
                dependent,
                dependency,
            } => {
                write!(
                    f,
                    "`{dependent}` declares more than once that it depends on `{dependency}`"
                )
            }
            Self::Disabled { stack } => write!(f, "`{stack}` is disabled and left out of every chain"),
        }
    }
}

/// A cycle in one line, closed: each stack depends on the next.
pub(crate) struct CyclePath<'a>(pub(crate) &'a [StackId]);

impl fmt::Display for CyclePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stack in self.0 {
            write!(f, "`{stack}` -> ")?;
        }
        self.0.first().map_or(Ok(()), |first| write!(f, "`{first}`"))
    }
}

/// Whether a label that cannot be read contains the id of one of the stacks.
pub(crate) fn names_any(label: &str, is_reached: impl Fn(&StackId) -> bool) -> bool {
    label
        .split(|c: char| c.is_whitespace() || ":,|;=".contains(c))
        .filter_map(|word| word.parse::<StackId>().ok())
        .any(|word| is_reached(&word))
}
