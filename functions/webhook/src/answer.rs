//! The answers to deliveries. The status codes are part of the contract: Spacelift retries on 5xx only, and disables a
//! webhook after ten failures in a row.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chain::event::{MAX_BODY_BYTES, UnreadableBody};
use serde::Serialize;
use temporal_client::Recorded;
use utoipa::ToSchema;

/// When a sender may retry if nothing could be recorded.
const RETRY_AFTER_S: u64 = 30;

/// The answer to one delivery, or to another request.
#[derive(Debug)]
pub(crate) enum Answer {
    Recorded(Recorded),
    /// Temporal could not be reached, and the event is in the queue.
    Buffered,
    Ignored {
        code: String,
        reason: String,
    },
    Refused,
    NotFound,
    OtherMethod,
    TooLarge,
    NotJson,
    /// The body is incomplete.
    Broken,
    /// Too many requests from this sender were refused.
    TooMany {
        wait: Duration,
    },
    /// There were too many requests or refusals in all, and this sender is unknown.
    Busy {
        wait: Duration,
    },
    /// The signature could not be verified, since the secret cannot be read.
    Unverified,
    Unreadable {
        body: UnreadableBody,
        /// Whether it is in the quarantine queue.
        is_kept: bool,
    },
    /// Authentic, but a field is missing or invalid that only the sender can correct.
    Incomplete {
        field: &'static str,
        reason: String,
    },
    Unavailable,
}

/// The event was accepted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub(crate) enum AcceptedResponse {
    /// Temporal has recorded it.
    Accepted {
        /// The workflow that follows the run.
        #[schema(example = "run:acme:01JSPXRQR2F3Y06HD85YYXRSZ7")]
        workflow_id: String,
        #[schema(format = "uuid")]
        workflow_run_id: String,
    },
    /// Temporal is unavailable: the event waits in a queue and is recorded when Temporal is back.
    Buffered,
    /// It cannot be read, and is kept in the quarantine queue. The sender gets no error, since it would disable the
    /// webhook after ten.
    Kept {
        error: String,
        /// The path of the field that is wrong, such as `run.commit.hash`.
        #[serde(skip_serializing_if = "Option::is_none")]
        field: Option<String>,
    },
}

/// Nothing needs to be done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub(crate) enum NoActionResponse {
    /// It was recorded before.
    Duplicate { workflow_id: String },
    /// It is authentic and needs no action.
    Ignored {
        /// A code: `run_type`, `other_account`, `too_old`, `from_the_future`, `progress`, `audit_trail`,
        /// `internal_error`, `module_version` or `unknown`.
        #[schema(example = "run_type")]
        reason: String,
        /// The reason as a sentence.
        detail: String,
    },
}

/// Why a request was rejected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    error: String,
    /// The path of the field that is wrong, such as `run.commit.hash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Answer {
    /// A code for logs and metrics.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Recorded(Recorded::Accepted { .. }) => "accepted",
            Self::Recorded(Recorded::Duplicate { .. }) => "duplicate",
            Self::Buffered => "buffered",
            Self::Ignored { .. } => "ignored",
            Self::Refused => "refused",
            Self::NotFound => "not_found",
            Self::OtherMethod => "other_method",
            Self::TooLarge => "too_large",
            Self::NotJson => "not_json",
            Self::Broken => "broken",
            Self::TooMany { .. } => "too_many",
            Self::Busy { .. } => "busy",
            Self::Unverified => "unverified",
            Self::Unreadable { is_kept: true, .. } => "kept",
            Self::Unreadable { .. } | Self::Incomplete { .. } => "unreadable",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether the sender gets a success status.
    pub(crate) fn is_success(&self) -> bool {
        matches!(
            self,
            Self::Recorded(_)
                | Self::Buffered
                | Self::Ignored { .. }
                | Self::Unreadable { is_kept: true, .. }
        )
    }

    /// Whether the signature was valid.
    pub(crate) fn is_authentic(&self) -> bool {
        self.is_success() || matches!(self, Self::Unreadable { .. } | Self::Incomplete { .. })
    }

    pub(crate) fn workflow_id(&self) -> Option<&str> {
        match self {
            Self::Recorded(Recorded::Accepted { workflow_id, .. } | Recorded::Duplicate { workflow_id }) => {
                Some(workflow_id)
            }
            _ => None,
        }
    }

    /// Why it is ignored, or which field is wrong.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Ignored { code, .. } => Some(code),
            Self::Unreadable { body, .. } => Some(&body.field),
            Self::Incomplete { field, .. } => Some(field),
            _ => None,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        match self {
            Self::Recorded(Recorded::Accepted {
                workflow_id,
                workflow_run_id,
            }) => (
                StatusCode::ACCEPTED,
                Json(AcceptedResponse::Accepted {
                    workflow_id,
                    workflow_run_id,
                }),
            )
                .into_response(),
            Self::Buffered => (StatusCode::ACCEPTED, Json(AcceptedResponse::Buffered)).into_response(),
            Self::Recorded(Recorded::Duplicate { workflow_id }) => {
                Json(NoActionResponse::Duplicate { workflow_id }).into_response()
            }
            Self::Ignored { code, reason } => Json(NoActionResponse::Ignored {
                reason: code,
                detail: reason,
            })
            .into_response(),
            // One text for every reason: only the log says what was wrong with the signature.
            Self::Refused => problem(StatusCode::UNAUTHORIZED, "the signature is missing or wrong"),
            Self::NotFound => problem(StatusCode::NOT_FOUND, "not found: deliveries go to /webhook"),
            Self::OtherMethod => problem(StatusCode::METHOD_NOT_ALLOWED, "method not allowed"),
            Self::TooLarge => {
                let error = format!("the body is larger than {MAX_BODY_BYTES} bytes");
                problem(StatusCode::PAYLOAD_TOO_LARGE, error)
            }
            Self::NotJson => problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the content type must be application/json",
            ),
            Self::Broken => problem(StatusCode::BAD_REQUEST, "the body is incomplete"),
            Self::TooMany { wait } => later(
                StatusCode::TOO_MANY_REQUESTS,
                wait.as_secs().saturating_add(1),
                "too many rejected requests from this address: try again later",
            ),
            Self::Busy { wait } => later(
                StatusCode::SERVICE_UNAVAILABLE,
                wait.as_secs().saturating_add(1),
                "too many requests: send it again later",
            ),
            Self::Unverified => later(
                StatusCode::SERVICE_UNAVAILABLE,
                RETRY_AFTER_S,
                "the signature cannot be verified now: send it again later",
            ),
            Self::Unreadable { body, is_kept } => {
                let error = body.to_string();
                let field = Some(body.field).filter(|field| !field.is_empty());
                if is_kept {
                    (
                        StatusCode::ACCEPTED,
                        Json(AcceptedResponse::Kept { error, field }),
                    )
                        .into_response()
                } else {
                    (StatusCode::UNPROCESSABLE_ENTITY, Json(Problem { error, field })).into_response()
                }
            }
            Self::Incomplete { field, reason } => {
                let body = Problem {
                    error: reason,
                    field: Some(field.to_owned()),
                };
                (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
            }
            Self::Unavailable => later(
                StatusCode::SERVICE_UNAVAILABLE,
                RETRY_AFTER_S,
                "the event could not be recorded: send it again later",
            ),
        }
    }
}

/// A problem that passes.
fn later(status: StatusCode, after_s: u64, error: &str) -> Response {
    let retry_after = [(header::RETRY_AFTER, HeaderValue::from(after_s))];
    (retry_after, problem(status, error)).into_response()
}

fn problem(status: StatusCode, error: impl Into<String>) -> Response {
    (
        status,
        Json(Problem {
            error: error.into(),
            field: None,
        }),
    )
        .into_response()
}
