//! How a command ends that could not do what it was asked for.
//!
//! | status | meaning |
//! |---|---|
//! | 1 | it was done, and the outcome is bad: a chain failed or is refused, `lint` found errors, the audit log is broken |
//! | 2 | the command line is wrong |
//! | 3 | a setting is missing or wrong |
//! | 4 | Spacelift, Temporal or S3 refused, or has no such thing |
//! | 5 | Spacelift, Temporal or S3 could not be reached |

use std::process::ExitCode;

use audit::{BucketFailure, StoreError};
use environment::SecretError;
use orchestrator::ConnectError;
use orchestrator::settings::SettingsError;
use spacelift::{ConfigError, ErrorKind};

pub(crate) const BAD_OUTCOME: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const SETTING: u8 = 3;
pub(crate) const REFUSED: u8 = 4;
pub(crate) const UNREACHABLE: u8 = 5;

/// A failure that the command itself finds.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Setting(String),
    /// The account in memory will not do it.
    #[error("{0}")]
    Refused(String),
    /// The account in memory does not answer.
    #[error("{0}")]
    Unreachable(String),
    #[error("there is no {what} `{id}` that this key may see")]
    Missing { what: &'static str, id: String },
}

impl Failure {
    pub(crate) fn missing(what: &'static str, id: &(impl ToString + ?Sized)) -> Self {
        Self::Missing {
            what,
            id: id.to_string(),
        }
    }
}

/// Tells of a failure on stderr.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    crate::output::error(&format!("{error:#}"));
    if let Some(hint) = error.chain().find_map(hint) {
        crate::output::hint(hint);
    }
    ExitCode::from(status(error))
}

fn status(error: &anyhow::Error) -> u8 {
    error.chain().find_map(status_of_cause).unwrap_or(BAD_OUTCOME)
}

fn status_of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if let Some(error) = cause.downcast_ref::<spacelift::Error>() {
        return Some(status_of_kind(&error.kind));
    }
    if let Some(error) = cause.downcast_ref::<ConnectError>() {
        return Some(if matches!(error, ConnectError::Unreachable { .. }) {
            UNREACHABLE
        } else {
            SETTING
        });
    }
    if let Some(error) = cause.downcast_ref::<StoreError>() {
        return Some(status_of_log(error));
    }
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return Some(match failure {
            Failure::Usage(_) => USAGE,
            Failure::Setting(_) => SETTING,
            Failure::Refused(_) | Failure::Missing { .. } => REFUSED,
            Failure::Unreachable(_) => UNREACHABLE,
        });
    }
    (cause.is::<ConfigError>() || cause.is::<SettingsError>() || cause.is::<SecretError>()).then_some(SETTING)
}

pub(crate) fn status_of_kind(kind: &ErrorKind) -> u8 {
    match kind {
        ErrorKind::Unreachable { .. }
        | ErrorKind::Ambiguous { .. }
        | ErrorKind::NotGraphQl { .. }
        | ErrorKind::UnexpectedData { .. }
        | ErrorKind::EndlessPages
        | ErrorKind::BadToken => UNREACHABLE,
        _ => REFUSED,
    }
}

fn status_of_log(error: &StoreError) -> u8 {
    match error {
        StoreError::Location(_) => SETTING,
        StoreError::Bucket {
            source: BucketFailure::Unreachable { .. },
            ..
        } => UNREACHABLE,
        _ => REFUSED,
    }
}

/// What to do next, where that is not plain from the error.
fn hint(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    if cause.is::<ConfigError>() {
        return Some(
            "`spillway mock-spacelift` serves an account to try things with; `spillway doctor` checks the settings",
        );
    }
    match &cause.downcast_ref::<spacelift::Error>()?.kind {
        ErrorKind::Unauthorized => {
            Some("the key is wrong, or it lacks the rights; `spillway doctor` says which")
        }
        ErrorKind::Ambiguous { .. } => Some("look whether it happened before you try it again"),
        ErrorKind::NotGraphQl { .. } => Some("the base URL may be wrong; `spillway doctor` checks it"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[track_caller]
    fn check(error: impl std::error::Error + Send + Sync + 'static, expected: u8) {
        let error = Err::<(), _>(error).context("while trying").unwrap_err();
        assert_eq!(status(&error), expected, "{error:#}");
    }

    #[test]
    fn the_status_tells_usage_settings_refusal_and_unreachability_apart() {
        let spacelift = |kind| spacelift::Error {
            operation: "Stacks".to_owned(),
            kind,
        };
        let detail = || "x".to_owned();
        check(std::io::Error::other("x"), 1);
        check(Failure::Usage(detail()), 2);
        check(Failure::Setting(detail()), 3);
        check(ConfigError::Missing(vec![detail()]), 3);
        check(
            SettingsError {
                problems: vec![detail()],
            },
            3,
        );
        check(ConnectError::Address { address: detail() }, 3);
        check(
            StoreError::from("s3://".parse::<audit::Location>().unwrap_err()),
            3,
        );
        let bucket = |source| StoreError::Bucket {
            what: detail(),
            source,
        };
        let refused = BucketFailure::Refused {
            code: detail(),
            message: detail(),
        };
        check(bucket(refused), 4);
        check(bucket(BucketFailure::Unreachable { detail: detail() }), 5);
        check(Failure::missing("stack", "x"), 4);
        check(Failure::Refused(detail()), 4);
        check(Failure::Unreachable(detail()), 5);
        check(spacelift(ErrorKind::Unauthorized), 4);
        check(spacelift(ErrorKind::Refused { message: detail() }), 4);
        check(spacelift(ErrorKind::RateLimited { retry_after: None }), 4);
        check(spacelift(ErrorKind::Unreachable { detail: detail() }), 5);
        check(spacelift(ErrorKind::Ambiguous { detail: detail() }), 5);
        check(
            spacelift(ErrorKind::NotGraphQl {
                status: 200,
                detail: detail(),
            }),
            5,
        );
    }
}
