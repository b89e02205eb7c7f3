//! Spacelift's own payload of a run's state change.

use serde::Deserialize;

use super::json::{Object, ShortText, Text};
use super::{Delta, RunEvent, UnreadableBody};
use crate::{AccountName, CommitSha, RunId, RunState, RunType, StackId};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    account: AccountName,
    state: RunState,
    state_version: Option<u64>,
    /// In seconds; `timestamp_millis` is newer, and exact.
    timestamp: i64,
    #[serde(rename = "timestamp_millis")]
    timestamp_ms: Option<i64>,
    run: Object<Run>,
    stack: Object<Stack>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    id: RunId,
    branch: ShortText,
    commit: Option<Object<Commit>>,
    delta: Option<Object<Delta>>,
    drift_detection: Option<bool>,
    triggered_by: Option<ShortText>,
    r#type: RunType,
}

#[derive(Deserialize)]
struct Commit {
    hash: Option<String>,
}

#[derive(Deserialize)]
struct Stack {
    id: StackId,
    name: ShortText,
}

pub(super) fn read(text: &Text<'_>) -> Result<RunEvent, UnreadableBody> {
    let body: Body = text.read()?;
    let (Object(run), Object(stack)) = (body.run, body.stack);
    let timestamp_ms = match body.timestamp_ms {
        Some(ms) => ms,
        None => body.timestamp.checked_mul(1000).ok_or_else(|| {
            text.refuse(
                "timestamp",
                format!("{} seconds is not a valid time", body.timestamp),
            )
        })?,
    };
    Ok(RunEvent {
        account: body.account,
        run: run.id,
        stack: stack.id,
        stack_name: stack.name.0,
        space: None,
        state: body.state,
        state_version: body.state_version,
        run_type: run.r#type,
        drift_detection: run.drift_detection.unwrap_or(false),
        branch: run.branch.0,
        commit: run.commit.and_then(|Object(commit)| CommitSha::new(commit.hash?)),
        timestamp_ms,
        triggered_by: ShortText::filled(run.triggered_by),
        delta: run.delta.map(|Object(delta)| delta),
        metadata: Vec::new(),
    })
}
