//! Requests. `{"event":"triggered","stack_id":…}` requests a run of a stack and its chain; `completed` and `failed`
//! report that a run ended, so that Spacelift is asked about it.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::json::{KNOWN_EVENTS, ShortText, Text};
use super::{Delivery, UnreadableBody};
use crate::{AccountName, RequestId, RunId, StackId};

/// A request to run `stack` and its dependents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRequest {
    /// The configured account if the request names none.
    #[serde(default)]
    pub account: Option<AccountName>,
    pub stack: StackId,
    /// A second request with the same id is a duplicate.
    #[serde(default)]
    pub request_id: Option<RequestId>,
    #[serde(default)]
    pub requested_by: Option<String>,
    /// The dependents run the commit that the stack runs, even if it is older than their own.
    #[serde(default)]
    pub follow: bool,
}

/// The oldest request that is accepted. It allows for differing clocks and for retries by the sender.
pub const REQUEST_AGE_MAX: Duration = Duration::from_secs(300);

/// A request as it was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    pub request: RunRequest,
    /// When it was signed, in seconds since 1970.
    pub requested_at: Option<i64>,
}

/// Why a signed request may be a replay: anyone who saw it can send it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayableRequest {
    /// It has no id that would identify a second one.
    NoId,
    NoTime,
    /// Temporal may have deleted its workflow.
    TooOld,
    /// It could be sent again until then.
    FromTheFuture,
}

impl ReplayableRequest {
    pub fn field(self) -> &'static str {
        match self {
            Self::NoId => "request_id",
            Self::NoTime | Self::TooOld | Self::FromTheFuture => "requested_at",
        }
    }
}

impl fmt::Display for ReplayableRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = REQUEST_AGE_MAX.as_secs() / 60;
        match self {
            Self::NoId => f.write_str("`request_id` is missing: a text that no other request has"),
            Self::NoTime => f.write_str("`requested_at` is missing: the time in seconds since 1970"),
            Self::TooOld => write!(f, "`requested_at` is more than {minutes} minutes ago"),
            Self::FromTheFuture => write!(f, "`requested_at` is more than {minutes} minutes ahead"),
        }
    }
}

impl SignedRequest {
    /// Why the request may be a replay, or `None`.
    pub fn why_replayable(&self, now_ms: i64) -> Option<ReplayableRequest> {
        if self.request.request_id.is_none() {
            return Some(ReplayableRequest::NoId);
        }
        let Some(requested_at) = self.requested_at else {
            return Some(ReplayableRequest::NoTime);
        };
        let age_s = (now_ms / 1000).saturating_sub(requested_at);
        if age_s.unsigned_abs() <= REQUEST_AGE_MAX.as_secs() {
            return None;
        }
        Some(if age_s.is_positive() {
            ReplayableRequest::TooOld
        } else {
            ReplayableRequest::FromTheFuture
        })
    }
}

/// A report that a run ended. How it ended is looked up in Spacelift: the report is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndedRun {
    /// The configured account if the report names none.
    #[serde(default)]
    pub account: Option<AccountName>,
    pub stack: StackId,
    pub run: RunId,
    pub event: EndEvent,
}

/// How the run ended, according to the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndEvent {
    Completed,
    Failed,
}

#[derive(Deserialize)]
struct Body {
    event: String,
    account: Option<AccountName>,
    stack_id: StackId,
    run_id: Option<RunId>,
    request_id: Option<RequestId>,
    requested_at: Option<i64>,
    requested_by: Option<ShortText>,
    follow: Option<bool>,
}

pub(super) fn read(text: &Text<'_>) -> Result<Delivery, UnreadableBody> {
    let body: Body = text.read()?;
    let event = match body.event.as_str() {
        "triggered" => {
            return Ok(Delivery::Request(SignedRequest {
                request: RunRequest {
                    account: body.account,
                    stack: body.stack_id,
                    request_id: body.request_id,
                    requested_by: ShortText::filled(body.requested_by),
                    follow: body.follow.unwrap_or(false),
                },
                requested_at: body.requested_at,
            }));
        }
        "completed" => EndEvent::Completed,
        "failed" => EndEvent::Failed,
        _ => {
            let known = KNOWN_EVENTS.join("`, `");
            return Err(text.refuse("event", format!("it is not one of the known events: `{known}`")));
        }
    };
    let Some(run) = body.run_id else {
        return Err(text.refuse(
            "run_id",
            format!("the event `{}` needs the run that ended", body.event),
        ));
    };
    Ok(Delivery::RunEnded(EndedRun {
        account: body.account,
        stack: body.stack_id,
        run,
        event,
    }))
}

#[cfg(test)]
mod tests {
    use super::ReplayableRequest::{FromTheFuture, NoId, NoTime, TooOld};

    #[test]
    fn the_answer_to_a_replayable_request_names_the_field_and_the_limit() {
        for (why, field, text) in [
            (
                NoId,
                "request_id",
                "`request_id` is missing: a text that no other request has",
            ),
            (
                NoTime,
                "requested_at",
                "`requested_at` is missing: the time in seconds since 1970",
            ),
            (
                TooOld,
                "requested_at",
                "`requested_at` is more than 5 minutes ago",
            ),
            (
                FromTheFuture,
                "requested_at",
                "`requested_at` is more than 5 minutes ahead",
            ),
        ] {
            assert_eq!((why.field(), why.to_string().as_str()), (field, text));
        }
    }
}
