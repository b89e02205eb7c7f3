//! Making a run, once.
//!
//! A worker may die, and an answer may get lost, after Spacelift made the run. So every attempt looks first at the
//! runs of the stack that are newer than the one that was newest before the first attempt: one of our own key with
//! the wanted commit is the one that was made.

use chain::{AccountName, CommitSha, RunId, RunState, RunType, StackId};
use orchestrator::{ExecutionId, Orchestrator, Recorded, clock};
use serde::{Deserialize, Serialize};
use spacelift::{Run, Spacelift, TriggerRun};
use temporalio_sdk::activities::ActivityError;
use tracing::info;

use super::run::{RUNS_LOOKED_AT, is_own};
use crate::failure::{activity_error, temporal_error};
use crate::metrics;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriggerRequest {
    pub account: AccountName,
    pub execution: ExecutionId,
    pub stack: StackId,
    /// The commit to run; Spacelift's choice where none is named.
    pub commit: Option<CommitSha>,
    /// When the end of the root's run was heard of, for a stack that waits for the root alone.
    #[serde(default)]
    pub heard_at_ms: Option<i64>,
    /// The newest run of the stack before anything was tried.
    pub newest_before: Option<RunId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triggered {
    pub run: RunId,
    /// It was there already: queued for the same commit, or made by an attempt whose answer was lost.
    pub joined: bool,
    /// The workflow that follows it is closed, so that nobody will tell of its end.
    pub over_already: bool,
}

pub(super) async fn trigger(
    spacelift: &Spacelift,
    orchestrator: &Orchestrator,
    request: &TriggerRequest,
) -> Result<Triggered, ActivityError> {
    let runs = spacelift
        .runs(&request.stack, RUNS_LOOKED_AT, None)
        .await
        .map_err(activity_error)?;
    let (run, joined) = match run_to_join(spacelift, request, runs) {
        Some(run) => (run, true),
        None => (make(spacelift, request).await?, false),
    };
    let claimed = orchestrator
        .claim(&request.account, &request.stack, &run, &request.execution)
        .await
        .map_err(temporal_error)?;
    let waited_s = request
        .heard_at_ms
        .map(|at_ms| clock::elapsed_since(at_ms).as_secs_f64());
    metrics::run_triggered(joined, waited_s);
    info!(
        stack.id = %request.stack, run.id = %run, execution.id = %request.execution, joined,
        "Run {run} of `{}` belongs to {}", request.stack, request.execution
    );
    Ok(Triggered {
        run,
        joined,
        over_already: matches!(claimed, Recorded::Duplicate { .. }),
    })
}

async fn make(spacelift: &Spacelift, request: &TriggerRequest) -> Result<RunId, ActivityError> {
    let trigger = TriggerRun {
        run_type: RunType::Tracked,
        commit: request.commit.clone(),
        environment: Vec::new(),
        metadata: Some(request.execution.to_metadata()),
    };
    Ok(spacelift
        .trigger_run(&request.stack, &trigger)
        .await
        .map_err(activity_error)?
        .id)
}

/// A run of our own key for the wanted commit that is newer than all that was there before, or that still waits in
/// the queue. `runs` are the newest first.
fn run_to_join(spacelift: &Spacelift, request: &TriggerRequest, runs: Vec<Run>) -> Option<RunId> {
    let mut is_newer = true;
    runs.into_iter().find_map(|run| {
        is_newer &= Some(&run.id) != request.newest_before.as_ref();
        let wanted = is_own(spacelift, &run)
            && run.run_type == RunType::Tracked
            && (request.commit.is_none() || run.commit.sha == request.commit);
        (wanted && (is_newer || run.state == RunState::Queued)).then_some(run.id)
    })
}
