//! What the `errors` of a GraphQL answer mean. A pure function of their messages.

use serde::Deserialize;

use super::effect::Effect;
use crate::error::ErrorKind;

#[derive(Deserialize)]
pub(super) struct GraphQlError {
    message: String,
}

/// The messages of a broken Go server: contexts, sockets, a recovered panic, and the usual messages for a part that
/// does not answer.
const SERVER_FAULTS: [&str; 9] = [
    "internal error",
    "internal server error",
    "internal system error",
    "panic occurred",
    "deadline exceeded",
    "context canceled",
    "timed out",
    "i/o timeout",
    "unavailable",
];

/// What GraphQL errors mean. Spacelift has no error codes, only messages.
///
/// - A server fault is no decision about the request: it may be sent again, and a mutation may have happened. It takes
///   precedence over the others.
/// - `unauthorized` stands for both a bad token and a missing right.
/// - Everything else is a refusal. Refusals cannot be listed, since each validation has its own text. A fault whose
///   message is not listed therefore counts as one. Before sending a refused mutation again, the caller has to check
///   whether it happened.
pub(super) fn error_kind(errors: &[GraphQlError], effect: Effect) -> ErrorKind {
    let message = messages(errors);
    let any = |test: fn(&str) -> bool| {
        errors
            .iter()
            .any(|e| test(&e.message.trim().to_ascii_lowercase()))
    };
    if any(|text| SERVER_FAULTS.iter().any(|fault| text.contains(fault))) {
        effect.lost(message)
    } else if any(|text| text.contains("too many requests") || text.contains("rate limit")) {
        ErrorKind::RateLimited { retry_after: None }
    } else if any(|text| text == "unauthorized" || text.starts_with("unauthorized:")) {
        ErrorKind::Unauthorized
    } else if any(|text| text.ends_with("not found")) {
        ErrorKind::NotFound { message }
    } else {
        ErrorKind::Refused { message }
    }
}

pub(super) fn messages(errors: &[GraphQlError]) -> String {
    errors
        .iter()
        .map(|error| error.message.as_str())
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused_by(messages: &[&str], effect: Effect) -> ErrorKind {
        let errors: Vec<_> = messages
            .iter()
            .map(|&message| GraphQlError {
                message: message.to_owned(),
            })
            .collect();
        error_kind(&errors, effect)
    }

    fn refused(message: &str) -> ErrorKind {
        refused_by(&[message], Effect::Write)
    }

    #[test]
    fn messages_are_classified() {
        assert_eq!(refused("unauthorized"), ErrorKind::Unauthorized);
        assert_eq!(refused("Unauthorized: no such right"), ErrorKind::Unauthorized);
        let missing = "parent space not found".to_owned();
        assert_eq!(refused(&missing), ErrorKind::NotFound { message: missing });
        let taken = "could not persist context: context with this slug already exists".to_owned();
        assert_eq!(refused(&taken), ErrorKind::Refused { message: taken });
    }

    #[test]
    fn messages_of_a_broken_server_are_not_refusals() {
        for message in [
            "internal error",
            "Internal Server Error",
            "graphql: panic occurred: runtime error",
            "could not create run: context deadline exceeded",
            "context canceled",
            "request timed out",
            "dial tcp: i/o timeout",
            "service temporarily unavailable",
        ] {
            let detail = message.to_owned();
            assert_eq!(
                refused_by(&[message], Effect::Read),
                ErrorKind::Unreachable {
                    detail: detail.clone()
                }
            );
            assert_eq!(refused(message), ErrorKind::Ambiguous { detail });
        }
        // With a fault beside it, it is not certain that nothing happened.
        assert_eq!(
            refused_by(&["unauthorized", "internal error"], Effect::Write),
            ErrorKind::Ambiguous {
                detail: "unauthorized; internal error".to_owned()
            }
        );
        assert_eq!(
            refused("rate limit exceeded"),
            ErrorKind::RateLimited { retry_after: None }
        );
        for message in [
            "stack is disabled",
            "run timeout must be positive",
            "Cannot query field `x`",
        ] {
            assert_eq!(
                refused(message),
                ErrorKind::Refused {
                    message: message.to_owned()
                }
            );
        }
    }
}
