//! What the sender is told. The statuses are part of the contract: Spacelift retries on 5xx only, and switches a
//! webhook off after ten failures in a row.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chain::event::{MAX_BODY_BYTES, UnreadableBody};
use orchestrator::Recorded;
use serde::Serialize;
use utoipa::ToSchema;

/// When a sender may try again where nothing could be recorded.
const RETRY_AFTER_S: u16 = 30;

/// One answer to one delivery, or to a request that is none.
#[derive(Debug)]
pub(crate) enum Answer {
    Recorded(Recorded),
    /// Temporal is away, and the event is in the queue.
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
    /// The body did not arrive whole.
    Broken,
    Unreadable(UnreadableBody),
    /// Authentic, and without a thing that only the sender can add.
    Incomplete {
        field: &'static str,
        reason: &'static str,
    },
    Unavailable,
}

/// The event is taken, and what follows from it is under way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub(crate) enum Taken {
    /// Temporal has it.
    Accepted {
        /// The workflow that follows the run.
        #[schema(example = "run:acme:01JSPXRQR2F3Y06HD85YYXRSZ7")]
        workflow_id: String,
        #[schema(format = "uuid")]
        workflow_run_id: String,
    },
    /// Temporal is away; a queue has it, and it is recorded as soon as Temporal is back.
    Buffered,
}

/// Nothing is to be done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub(crate) enum Settled {
    /// It was recorded before.
    Duplicate { workflow_id: String },
    /// It is authentic, and not ours to act on.
    Ignored {
        /// One word: `run_type`, `other_account`, `too_old`, `from_the_future`, `progress`, `audit_trail`, `internal_error`,
        /// `module_version` or `unknown`.
        #[schema(example = "run_type")]
        reason: String,
        /// The same for people.
        detail: String,
    },
}

/// Why a request was not taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    error: String,
    /// The path of the field that is wrong, such as `run.commit.hash`.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
}

impl Answer {
    /// One word for logs and metrics.
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
            Self::Unreadable(_) | Self::Incomplete { .. } => "unreadable",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether the sender is told that all is well.
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Recorded(_) | Self::Buffered | Self::Ignored { .. })
    }

    /// Whether the sender has proved who it is.
    pub(crate) fn is_authentic(&self) -> bool {
        self.is_success() || matches!(self, Self::Unreadable(_) | Self::Incomplete { .. })
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
            Self::Unreadable(unreadable) => Some(&unreadable.field),
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
                Json(Taken::Accepted {
                    workflow_id,
                    workflow_run_id,
                }),
            )
                .into_response(),
            Self::Buffered => (StatusCode::ACCEPTED, Json(Taken::Buffered)).into_response(),
            Self::Recorded(Recorded::Duplicate { workflow_id }) => {
                Json(Settled::Duplicate { workflow_id }).into_response()
            }
            Self::Ignored { code, reason } => Json(Settled::Ignored {
                reason: code,
                detail: reason,
            })
            .into_response(),
            // One text for every reason: which part of a forgery was wrong is for the log alone.
            Self::Refused => problem(
                StatusCode::UNAUTHORIZED,
                "the request is not signed with this webhook's secret",
            ),
            Self::NotFound => problem(
                StatusCode::NOT_FOUND,
                "there is nothing here; deliveries go to /webhook",
            ),
            Self::OtherMethod => problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path is there, and not for this method",
            ),
            Self::TooLarge => {
                let error = format!("the body is larger than the {MAX_BODY_BYTES} bytes that are read");
                problem(StatusCode::PAYLOAD_TOO_LARGE, error)
            }
            Self::NotJson => problem(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body has to be application/json",
            ),
            Self::Broken => problem(StatusCode::BAD_REQUEST, "the body did not arrive whole"),
            Self::Unreadable(unreadable) => {
                let error = unreadable.to_string();
                let field = Some(unreadable.field).filter(|field| !field.is_empty());
                (StatusCode::UNPROCESSABLE_ENTITY, Json(Problem { error, field })).into_response()
            }
            Self::Incomplete { field, reason } => {
                let body = Problem {
                    error: reason.to_owned(),
                    field: Some(field.to_owned()),
                };
                (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
            }
            Self::Unavailable => {
                let retry_after = [(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_S))];
                let error = "the event could not be recorded; send it again later";
                (retry_after, problem(StatusCode::SERVICE_UNAVAILABLE, error)).into_response()
            }
        }
    }
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
