//! Errors of requests, classified by what the caller can do about them.

use std::fmt;
use std::time::Duration;

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {kind}")]
pub struct Error {
    /// The GraphQL operation that failed. `ApiKeyUser` is the login, whichever operation needed it.
    pub operation: String,
    pub kind: ErrorKind,
}

/// One variant for each thing that a caller may have to say or do. [`Error::class`] classifies them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The key is wrong or lacks the right to do this, also with a renewed token. Give the key its rights.
    Unauthorized,
    /// The object of the request does not exist, or this key may not see it.
    NotFound { message: String },
    /// Spacelift understood the request and refused it, or the client knew that it would. Nothing happened. Change the
    /// request.
    Refused { message: String },
    /// Too many requests. Nothing happened. Wait.
    RateLimited { retry_after: Option<Duration> },
    /// No answer, or a server error. Nothing happened: it was a query, or nothing was sent. Try again later.
    Unreachable { detail: String },
    /// A mutation was sent and its answer was lost: it may have happened. Check before sending it again.
    Ambiguous { detail: String },
    /// An HTTP answer that is not GraphQL: a proxy's page, a redirect, a truncated answer. No mutation happened. Try
    /// again later; if it persists, the base URL is wrong.
    NotGraphQl { status: u16, detail: String },
    /// A GraphQL answer to a query whose data do not match the schema or the request. Try again later; if it persists,
    /// Spacelift's API has changed.
    UnexpectedData { detail: String },
    /// A search whose pages never end or repeat themselves. The items read so far are dropped, since they may be
    /// incomplete. Try again later.
    EndlessPages,
    /// The login returned a token that no HTTP header can carry. Nothing was sent with it, and it is not kept: the next
    /// request logs in again.
    BadToken,
}

/// What a failed request allows the caller to do. This is the one place where errors are classified. The class is about
/// the request that was made, above all a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Spacelift understood the request and refused it: validation, "not found", a state that does not allow it.
    /// Nothing happened, and the same request gets the same answer until something changes.
    Refused,
    /// The key is wrong or lacks a right. Nothing happened. A person has to act; then the same request may work.
    Unauthorized,
    /// Nothing happened, for a temporary reason: the same request may be sent again later.
    Transient,
    /// It may have happened. Check for its result before sending it again.
    Ambiguous,
}

impl Error {
    pub fn class(&self) -> ErrorClass {
        match &self.kind {
            ErrorKind::NotFound { .. } | ErrorKind::Refused { .. } => ErrorClass::Refused,
            ErrorKind::Unauthorized => ErrorClass::Unauthorized,
            ErrorKind::RateLimited { .. }
            | ErrorKind::Unreachable { .. }
            | ErrorKind::NotGraphQl { .. }
            | ErrorKind::UnexpectedData { .. }
            | ErrorKind::EndlessPages
            | ErrorKind::BadToken => ErrorClass::Transient,
            ErrorKind::Ambiguous { .. } => ErrorClass::Ambiguous,
        }
    }

    /// Whether the same request may be sent again later without a check.
    pub fn is_retryable(&self) -> bool {
        self.class() == ErrorClass::Transient
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
    /// The kind's name alone, for logs: messages may repeat what was sent.
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
            Self::EndlessPages => "endless_pages",
            Self::BadToken => "bad_token",
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
            Self::Ambiguous { detail } => {
                write!(f, "it may have happened, but the answer was lost: {detail}")
            }
            Self::NotGraphQl { status, detail } => {
                write!(
                    f,
                    "the answer (HTTP {status}) is not Spacelift's GraphQL: {detail}"
                )
            }
            Self::UnexpectedData { detail } => write!(f, "Spacelift's answer is not as expected: {detail}"),
            Self::EndlessPages => f.write_str("the pages of the search do not end"),
            Self::BadToken => f.write_str("the token of the login is not one line of text"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_class() {
        let text = || "text".to_owned();
        for (kind, class) in [
            (ErrorKind::Unauthorized, ErrorClass::Unauthorized),
            (ErrorKind::NotFound { message: text() }, ErrorClass::Refused),
            (ErrorKind::Refused { message: text() }, ErrorClass::Refused),
            (
                ErrorKind::RateLimited { retry_after: None },
                ErrorClass::Transient,
            ),
            (ErrorKind::Unreachable { detail: text() }, ErrorClass::Transient),
            (ErrorKind::Ambiguous { detail: text() }, ErrorClass::Ambiguous),
            (
                ErrorKind::NotGraphQl {
                    status: 404,
                    detail: text(),
                },
                ErrorClass::Transient,
            ),
            (
                ErrorKind::UnexpectedData { detail: text() },
                ErrorClass::Transient,
            ),
            (ErrorKind::EndlessPages, ErrorClass::Transient),
            (ErrorKind::BadToken, ErrorClass::Transient),
        ] {
            let error = Error {
                operation: "RunTrigger".to_owned(),
                kind,
            };
            assert_eq!(error.class(), class, "{error}");
            assert_eq!(error.is_retryable(), class == ErrorClass::Transient, "{error}");
        }
    }
}
