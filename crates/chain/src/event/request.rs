//! A request of one's own: `{"event":"triggered","stack_id":…}` asks for a run of a stack and its chain.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::UnreadableBody;
use super::json::{ShortText, Text};
use crate::{AccountName, RequestId, StackId};

/// The events that may be asked for.
pub const KNOWN_EVENTS: &[&str] = &["triggered"];

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

#[derive(Deserialize)]
struct Body {
    event: String,
    account: Option<AccountName>,
    stack_id: StackId,
    request_id: Option<RequestId>,
    requested_by: Option<ShortText>,
}

pub(super) fn read(text: &Text<'_>) -> Result<RunRequest, UnreadableBody> {
    let body: Body = text.read()?;
    if !KNOWN_EVENTS.contains(&body.event.as_str()) {
        let known = KNOWN_EVENTS.join("`, `");
        return Err(text.refuse(
            "event",
            format!("it is none of the events that may be asked for: `{known}`"),
        ));
    }
    Ok(RunRequest {
        account: body.account,
        stack: body.stack_id,
        request_id: body.request_id,
        requested_by: ShortText::filled(body.requested_by),
    })
}
