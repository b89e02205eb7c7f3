//! Whether a request changes something, and what follows for an answer that cannot be used.

use crate::error::ErrorKind;

/// Whether a request changes something. It decides what a lost answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    Read,
    Write,
}

impl Effect {
    /// The request may have arrived, and there is no usable answer.
    pub(crate) fn lost(self, detail: String) -> ErrorKind {
        match self {
            Self::Read => ErrorKind::Unreachable { detail },
            Self::Write => ErrorKind::Ambiguous { detail },
        }
    }

    /// The answer has a success status and a body that is not GraphQL.
    pub(crate) fn not_graphql(self, status: u16, detail: String) -> ErrorKind {
        match self {
            Self::Read => ErrorKind::NotGraphQl { status, detail },
            Self::Write => ErrorKind::Ambiguous { detail },
        }
    }

    /// The answer is GraphQL, and its data do not match the schema.
    pub(crate) fn unexpected(self, detail: String) -> ErrorKind {
        match self {
            Self::Read => ErrorKind::UnexpectedData { detail },
            Self::Write => ErrorKind::Ambiguous { detail },
        }
    }
}
