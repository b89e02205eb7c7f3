//! What can go wrong with a request, sorted by what the caller can do about it.

use std::fmt;
use std::time::Duration;

/// A request that did not give what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {kind}")]
pub struct Error {
    /// The GraphQL operation that failed. `ApiKeyUser` is the login, whichever operation needed it.
    pub operation: String,
    pub kind: ErrorKind,
}

/// One variant for each thing that a caller may do next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The key is wrong, or it may not do this. A renewed token did not help.
    Unauthorized,
    /// What the request was about does not exist.
    NotFound { message: String },
    /// Spacelift understood and said no, or the client knew that it would. Nothing happened.
    Refused { message: String },
    /// Too many requests. Nothing happened.
    RateLimited { retry_after: Option<Duration> },
    /// No answer, or a server error. Nothing happened: it was a query, or nothing was sent.
    Unreachable { detail: String },
    /// A mutation was sent and its answer is lost: it may have happened. Look before it is tried again.
    Ambiguous { detail: String },
    /// An answer that is not GraphQL, or not of the schema. No mutation happened.
    NotGraphQl { status: u16, detail: String },
    /// A GraphQL answer to a query whose data are not what the schema or the request promised.
    UnexpectedData { detail: String },
}

impl Error {
    /// Whether the same request may simply be sent again later. This is the one place that decides it.
    ///
    /// `Ambiguous` may not: what it did has to be looked at first.
    pub fn is_retryable(&self) -> bool {
        match &self.kind {
            ErrorKind::RateLimited { .. }
            | ErrorKind::Unreachable { .. }
            | ErrorKind::UnexpectedData { .. } => true,
            // A page or half an answer with a good status is an outage on the way; a redirect or a 404 is a wrong URL.
            ErrorKind::NotGraphQl { status, .. } => (200..300).contains(status),
            ErrorKind::Unauthorized
            | ErrorKind::NotFound { .. }
            | ErrorKind::Refused { .. }
            | ErrorKind::Ambiguous { .. } => false,
        }
    }

    /// How long Spacelift asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.kind {
            ErrorKind::RateLimited { retry_after } => *retry_after,
            _ => None,
        }
    }
}

impl ErrorKind {
    /// The kind alone, for logs: messages may repeat what was sent.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::NotFound { .. } => "not_found",
            Self::Refused { .. } => "refused",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unreachable { .. } => "unreachable",
            Self::Ambiguous { .. } => "ambiguous",
            Self::NotGraphQl { .. } => "not_graphql",
            Self::UnexpectedData { .. } => "unexpected_data",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unauthorized => f.write_str("not authorised"),
            Self::NotFound { message } | Self::Refused { message } => f.write_str(message),
            Self::RateLimited {
                retry_after: Some(wait),
            } => {
                write!(f, "too many requests, try again after {} s", wait.as_secs())
            }
            Self::RateLimited { retry_after: None } => f.write_str("too many requests"),
            Self::Unreachable { detail } => write!(f, "Spacelift cannot be reached: {detail}"),
            Self::Ambiguous { detail } => write!(f, "it may have happened, the answer is lost: {detail}"),
            Self::NotGraphQl { status, detail } => {
                write!(
                    f,
                    "the answer (HTTP {status}) is not Spacelift's GraphQL: {detail}"
                )
            }
            Self::UnexpectedData { detail } => write!(f, "Spacelift's answer is not as expected: {detail}"),
        }
    }
}
