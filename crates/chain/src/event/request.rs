//! Requests of one's own: `{"event":"triggered","stack_id":…}` asks for a run of a stack and its chain; `completed` and
//! `failed` say that a run is over, so that it is looked at.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::json::{ShortText, Text};
use super::{Delivery, UnreadableBody};
use crate::{AccountName, RequestId, RunId, StackId};

/// The events that a request may name.
pub const KNOWN_EVENTS: &[&str] = &["triggered", "completed", "failed"];

/// Someone asks for a run of `stack`, and of what depends on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunRequest {
    /// The account that is configured, where nobody says which.
    #[serde(default)]
    pub account: Option<AccountName>,
    pub stack: StackId,
    /// A second request with the same id is a duplicate.
    #[serde(default)]
    pub request_id: Option<RequestId>,
    #[serde(default)]
    pub requested_by: Option<String>,
}

/// Someone says that a run is over. How it ended is looked up: nobody is believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndedRun {
    /// The account that is configured, where nobody says which.
    #[serde(default)]
    pub account: Option<AccountName>,
    pub stack: StackId,
    pub run: RunId,
    pub event: EndEvent,
}

/// How the run is said to have ended.
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
    requested_by: Option<ShortText>,
}

pub(super) fn read(text: &Text<'_>) -> Result<Delivery, UnreadableBody> {
    let body: Body = text.read()?;
    let event = match body.event.as_str() {
        "triggered" => {
            return Ok(Delivery::Request(RunRequest {
                account: body.account,
                stack: body.stack_id,
                request_id: body.request_id,
                requested_by: ShortText::filled(body.requested_by),
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
            format!("the event `{}` needs the run that is over", body.event),
        ));
    };
    Ok(Delivery::RunEnded(EndedRun {
        account: body.account,
        stack: body.stack_id,
        run,
        event,
    }))
}
