//! What the errors of libraries mean to the person who typed the command. Internals of libraries are not shown.

use std::error::Error as StdError;
use std::io;

use audit::{BucketFailure, StoreError};
use environment::SecretError;
use queue::{QueueError, QueueErrorKind};
use settings::SettingsError;
use spacelift::{ConfigError, ErrorKind};
use temporal_client::{ConnectError, TemporalError, TemporalErrorKind};

use super::Failure;
use crate::exit::Exit;
use crate::output::WriteError;

/// The operation of the client that logs in.
const LOGIN: &str = "ApiKeyUser";

/// How the detail of an error begins that an HTTP status is the cause of.
const HTTP: &str = "HTTP ";

/// The first known error among the causes, after the contexts that were added to it.
pub(super) fn explain(error: &anyhow::Error) -> Failure {
    let mut context = Vec::new();
    for cause in error.chain() {
        if let Some(mut known) = of_cause(cause) {
            context.push(known.what);
            known.what = context.join(": ");
            return known;
        }
        context.push(cause.to_string());
    }
    let mut failure = Failure::new(Exit::Failed, error.to_string());
    if error.chain().nth(1).is_some() {
        failure = failure.hint("Run the command again with -v to see the cause.");
    }
    failure
}

fn of_cause(cause: &(dyn StdError + 'static)) -> Option<Failure> {
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return Some(Failure {
            exit: failure.exit,
            what: failure.what.clone(),
            meaning: failure.meaning.clone(),
            hint: failure.hint.clone(),
        });
    }
    let explained = cause
        .downcast_ref()
        .map(spacelift)
        .or_else(|| cause.downcast_ref().map(connecting))
        .or_else(|| cause.downcast_ref().map(temporal))
        .or_else(|| cause.downcast_ref().map(audit_log))
        .or_else(|| cause.downcast_ref().map(queue));
    explained
        .or_else(|| {
            let error = cause.downcast_ref::<ConfigError>()?;
            Some(Failure::setting(format!("Spacelift is not configured: {error}")).hint(
                "Set the variables to the URL and an API key of your account, or try an account in memory with \
                 `spillway mock serve`. `spillway doctor` checks all settings.",
            ))
        })
        .or_else(|| {
            let error = cause.downcast_ref::<SettingsError>()?;
            Some(
                Failure::setting(error.to_string())
                    .hint("Correct it in spillway.toml or in the environment. docs/settings.md lists every setting."),
            )
        })
        .or_else(|| cause.downcast_ref().map(secret))
        .or_else(|| {
            Some(match cause.downcast_ref()? {
                WriteError::Io(error) => Failure::new(
                    Exit::Failed,
                    format!("the output could not be written: {}", reason(error)),
                ),
                error @ WriteError::Filter(_) => {
                    Failure::usage(error.to_string()).hint("`-o json` shows what the filter is applied to.")
                }
            })
        })
}

fn spacelift(error: &spacelift::Error) -> Failure {
    let exit = exit_of_spacelift(&error.kind);
    let operation = &error.operation;
    match &error.kind {
        ErrorKind::Unauthorized if operation == LOGIN => Failure::new(exit, "Spacelift rejected the API key")
            .meaning("The key id or the secret is wrong, or the key was deleted.")
            .hint("Check SPACELIFT_KEY_ID and SPACELIFT_KEY_SECRET with `spillway doctor`."),
        ErrorKind::Unauthorized => Failure::new(
            exit,
            format!("the API key is not allowed to do this ({operation})"),
        )
        .meaning("Nothing was changed.")
        .hint("Give the key the missing role in Spacelift. `spillway doctor` shows what it can do."),
        ErrorKind::NotFound { .. } => Failure::new(exit, "not found in Spacelift")
            .meaning("It does not exist, or the API key cannot see it."),
        ErrorKind::Refused { message } => {
            Failure::new(exit, format!("Spacelift rejected the request: {message}"))
                .meaning("Nothing was changed.")
        }
        ErrorKind::RateLimited { retry_after } => {
            let wait = match retry_after {
                Some(wait) => format!("Try again in {} s.", wait.as_secs()),
                None => "Try again later.".to_owned(),
            };
            Failure::new(exit, "Spacelift limits the number of requests")
                .meaning("Nothing was changed.")
                .hint(wait)
        }
        ErrorKind::Unreachable { detail } if detail.starts_with(HTTP) => {
            Failure::new(exit, format!("Spacelift answered with an error: {detail}"))
                .meaning("It was reached, but it could not handle the request. Nothing was changed.")
                .hint("Try again later.")
        }
        ErrorKind::Unreachable { .. } => Failure::new(exit, "Spacelift could not be reached").hint(
            "Check SPACELIFT_BASE_URL and the network. Run the command again with -v to see the cause.",
        ),
        ErrorKind::Ambiguous { detail } if detail.starts_with(HTTP) => {
            Failure::new(exit, format!("Spacelift answered with an error: {detail}"))
                .meaning("The change may have been made.")
                .hint("Check whether it was made before you try again.")
        }
        ErrorKind::Ambiguous { .. } => Failure::new(exit, "the answer from Spacelift was lost")
            .meaning("The change may have been made.")
            .hint("Check whether it was made before you try again."),
        ErrorKind::NotGraphQl { status, .. } => Failure::new(
            exit,
            format!("the answer is not from Spacelift's API (HTTP {status})"),
        )
        .hint("Check SPACELIFT_BASE_URL: https://<account>.app.spacelift.io"),
        ErrorKind::EndlessPages => {
            Failure::new(exit, "Spacelift's search results do not end").hint("Try again later.")
        }
        _ => Failure::new(exit, format!("Spacelift sent an unexpected answer ({operation})"))
            .hint("Try again later. If it stays, Spacelift's API has changed: please report it."),
    }
}

fn exit_of_spacelift(kind: &ErrorKind) -> Exit {
    match kind {
        ErrorKind::Unreachable { .. }
        | ErrorKind::Ambiguous { .. }
        | ErrorKind::NotGraphQl { .. }
        | ErrorKind::UnexpectedData { .. }
        | ErrorKind::EndlessPages
        | ErrorKind::BadToken => Exit::Unreachable,
        _ => Exit::Rejected,
    }
}

fn connecting(error: &ConnectError) -> Failure {
    match error {
        ConnectError::Unreachable { address, .. } => {
            Failure::unreachable(format!("Temporal could not be reached at {address}"))
                .hint("Start Temporal or set TEMPORAL_ADDRESS. `spillway dev` starts a server of its own.")
        }
        error => Failure::setting(error.to_string())
            .hint("Check TEMPORAL_ADDRESS and the other TEMPORAL_ variables with `spillway doctor`."),
    }
}

fn temporal(error: &TemporalError) -> Failure {
    match error.kind() {
        TemporalErrorKind::Unreachable => Failure::unreachable(error.to_string())
            .meaning("Temporal did not answer.")
            .hint("Check Temporal with `spillway doctor`, and try again."),
        TemporalErrorKind::Denied => Failure::rejected(error.to_string())
            .meaning("Temporal did not accept the API key or the certificate.")
            .hint("Check TEMPORAL_API_KEY, or the certificate, with `spillway doctor`."),
        TemporalErrorKind::NoWorker => Failure::unreachable(error.to_string())
            .meaning("No worker answered.")
            .hint("Start the worker. `spillway doctor` shows whether one is connected."),
        TemporalErrorKind::NoResult => Failure::new(Exit::BadOutcome, error.to_string())
            .meaning("The workflow failed or was terminated, and left no result.")
            .hint("The Temporal UI shows what happened."),
        TemporalErrorKind::Other => Failure::new(Exit::Failed, error.to_string())
            .hint("Run the command again with -v to see the cause."),
    }
}

fn audit_log(error: &StoreError) -> Failure {
    match error {
        StoreError::Location(error) => {
            Failure::setting(error.to_string()).hint("Write s3://bucket/prefix, or a directory.")
        }
        StoreError::File { path, source } if source.kind() == io::ErrorKind::NotFound => {
            Failure::setting(format!("the audit log `{path}` does not exist"))
                .hint("Check SPILLWAY_AUDIT, or --audit. The directory is created with the first record.")
        }
        StoreError::File { path, source } => Failure::new(
            Exit::Failed,
            format!("the audit log `{path}` could not be read: {}", reason(source)),
        ),
        StoreError::Bucket {
            what,
            source: BucketFailure::Refused { code, message },
        } => Failure::rejected(format!("S3 rejected the access to {what}: {message} ({code})"))
            .hint("Check the bucket's name, and the AWS credentials and region."),
        StoreError::Bucket { what, .. } => Failure::unreachable(format!(
            "S3 could not be reached for {what}"
        ))
        .hint("Check the AWS region and credentials, and the network. Run again with -v to see the cause."),
        error => Failure::rejected(error.to_string()),
    }
}

fn queue(error: &QueueError) -> Failure {
    match &error.kind {
        QueueErrorKind::NotSent => Failure::setting(error.to_string())
            .meaning("The AWS region or credentials are missing or wrong. Nothing was sent.")
            .hint("Set AWS_REGION and log in to AWS. Run again with -v to see the cause."),
        QueueErrorKind::Unreachable => Failure::unreachable(error.to_string())
            .meaning("SQS did not answer.")
            .hint("Check the queue's URL, the AWS region and the network."),
        QueueErrorKind::Rejected { code } => Failure::rejected(format!("{error}: SQS answered {code}"))
            .hint("Check the queue's URL, and the rights of the AWS credentials."),
    }
}

fn secret(error: &SecretError) -> Failure {
    Failure::setting(error.to_string())
        .hint("Check the secret's name, the AWS region and credentials, and the right secretsmanager:GetSecretValue.")
}

/// The text of an error of the operating system, without its number.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[track_caller]
    fn check(error: impl StdError + Send + Sync + 'static, expected: Exit) {
        let error = Err::<(), _>(error).context("while trying").unwrap_err();
        assert_eq!(explain(&error).exit, expected, "{error:#}");
    }

    #[test]
    fn every_cause_has_its_exit_code() {
        let spacelift = |kind| spacelift::Error {
            operation: "Stacks".to_owned(),
            kind,
        };
        let detail = || "x".to_owned();
        check(io::Error::other("x"), Exit::Failed);
        check(WriteError::Io(io::Error::other("x")), Exit::Failed);
        check(WriteError::Filter(detail()), Exit::Usage);
        check(Failure::usage("x"), Exit::Usage);
        check(Failure::setting("x"), Exit::Setting);
        check(ConfigError::Missing(vec![detail()]), Exit::Setting);
        check(SettingsError(detail().into()), Exit::Setting);
        check(ConnectError::Address { address: detail() }, Exit::Setting);
        check(
            StoreError::from("s3://".parse::<audit::Location>().unwrap_err()),
            Exit::Setting,
        );
        let file = |kind: io::ErrorKind| StoreError::File {
            path: detail(),
            source: kind.into(),
        };
        check(file(io::ErrorKind::NotFound), Exit::Setting);
        check(file(io::ErrorKind::PermissionDenied), Exit::Failed);
        let bucket = |source| StoreError::Bucket {
            what: detail(),
            source,
        };
        let refused = BucketFailure::Refused {
            code: detail(),
            message: detail(),
        };
        check(bucket(refused), Exit::Rejected);
        check(
            bucket(BucketFailure::Unreachable { detail: detail() }),
            Exit::Unreachable,
        );
        check(Failure::not_found("stack", "x"), Exit::Rejected);
        check(Failure::unreachable("x"), Exit::Unreachable);
        for (kind, exit) in [
            (ErrorKind::Unauthorized, Exit::Rejected),
            (ErrorKind::Refused { message: detail() }, Exit::Rejected),
            (ErrorKind::RateLimited { retry_after: None }, Exit::Rejected),
            (ErrorKind::Unreachable { detail: detail() }, Exit::Unreachable),
            (ErrorKind::Ambiguous { detail: detail() }, Exit::Unreachable),
            (ErrorKind::EndlessPages, Exit::Unreachable),
        ] {
            check(spacelift(kind), exit);
        }
    }

    #[test]
    fn an_error_of_spacelift_is_not_called_unreachable() {
        let detail = "HTTP 503 Service Unavailable".to_owned();
        for (kind, meaning) in [
            (
                ErrorKind::Unreachable {
                    detail: detail.clone(),
                },
                "Nothing was changed.",
            ),
            (ErrorKind::Ambiguous { detail }, "The change may have been made."),
        ] {
            let failure = spacelift(&spacelift::Error {
                operation: "Stacks".to_owned(),
                kind,
            });
            assert_eq!(
                failure.what,
                "Spacelift answered with an error: HTTP 503 Service Unavailable"
            );
            assert!(failure.meaning.unwrap().ends_with(meaning));
        }
    }

    #[test]
    fn the_operating_system_speaks_without_numbers() {
        let error = io::Error::from_raw_os_error(28);
        assert_eq!(reason(&error), "No space left on device");
    }
}
