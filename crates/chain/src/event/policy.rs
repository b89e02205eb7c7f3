//! The input of a notification policy. Our own policy sends it in full or trimmed.
//!
//! Only this input has the stack's space and the run's metadata. Its times are nanoseconds, and it has no ordinal of
//! the state.

use serde::Deserialize;

use super::json::{MAX_METADATA_ENTRIES, MAX_TEXT_BYTES, Object, ShortText, Text};
use super::{Delivery, Ignored, RunEvent, UnreadableBody};
use crate::{AccountName, CommitSha, RunId, RunState, RunType, SpaceId, StackId};

const NANOSECONDS_PER_MS: i64 = 1_000_000;

#[derive(Deserialize)]
struct Body {
    account: Object<Account>,
    run_updated: Object<RunUpdated>,
}

#[derive(Deserialize)]
struct Account {
    name: AccountName,
}

#[derive(Deserialize)]
struct RunUpdated {
    state: RunState,
    run: Object<Run>,
    stack: Option<Object<Stack>>,
}

#[derive(Deserialize)]
struct Run {
    id: RunId,
    branch: ShortText,
    commit: Option<Object<Commit>>,
    drift_detection: Option<bool>,
    triggered_by: Option<ShortText>,
    r#type: RunType,
    updated_at: i64,
    user_provided_metadata: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Commit {
    hash: Option<String>,
}

#[derive(Deserialize)]
struct Stack {
    id: StackId,
    name: ShortText,
    space: Option<Object<Space>>,
}

#[derive(Deserialize)]
struct Space {
    id: SpaceId,
}

pub(super) fn read(text: &Text<'_>) -> Result<Delivery, UnreadableBody> {
    let Body {
        account: Object(account),
        run_updated: Object(updated),
    } = text.read()?;
    // A test run of a module belongs to no stack.
    let Some(Object(stack)) = updated.stack else {
        return Ok(Delivery::Ignored(Ignored::ModuleVersion));
    };
    let Object(run) = updated.run;
    Ok(Delivery::Run(Box::new(RunEvent {
        account: account.name,
        run: run.id,
        stack: stack.id,
        stack_name: stack.name.0,
        space: stack.space.map(|Object(space)| space.id),
        state: updated.state,
        state_version: None,
        run_type: run.r#type,
        drift_detection: run.drift_detection.unwrap_or(false),
        branch: run.branch.0,
        commit: run.commit.and_then(|Object(commit)| CommitSha::new(commit.hash?)),
        timestamp_ms: run.updated_at.div_euclid(NANOSECONDS_PER_MS),
        triggered_by: ShortText::filled(run.triggered_by),
        delta: None,
        metadata: run.user_provided_metadata.map(kept).unwrap_or_default(),
    })))
}

/// Others can write anything into a run's metadata, which must not make the event unreadable. Our own entries are
/// short.
fn kept(metadata: Vec<String>) -> Vec<String> {
    metadata
        .into_iter()
        .filter(|entry| entry.len() <= MAX_TEXT_BYTES)
        .take(MAX_METADATA_ENTRIES)
        .collect()
}
