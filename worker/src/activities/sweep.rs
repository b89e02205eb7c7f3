//! Finding runs that finished and that nobody recorded.

use std::time::Duration;

use chain::{AccountName, ChainSettings, DependencyGraph, RunEvent, StackFacts, StackId};
use orchestrator::contract::{Heard, HeardEvent, Source, StackRun, SweepOutcome};
use orchestrator::{Orchestrator, clock};
use spacelift::{Run, Spacelift};
use temporalio_sdk::activities::ActivityError;
use tracing::warn;

use super::run::runs_of;
use crate::failure::{activity_error, temporal_error};
use crate::metrics;

/// How far back a sweep looks. Temporal forgets closed workflows after its retention, so a run from before that could
/// be taken for one that nobody recorded.
const LOOKS_BACK: Duration = Duration::from_secs(12 * 3600);

/// Only the ends of runs on which another stack depends matter, and only those after `since_ms`.
pub(super) async fn record_missed_runs(
    spacelift: &Spacelift,
    orchestrator: &Orchestrator,
    settings: &ChainSettings,
    since_ms: i64,
) -> Result<SweepOutcome, ActivityError> {
    let account = spacelift.account_name().await.map_err(activity_error)?;
    let stacks = spacelift.stacks().await.map_err(activity_error)?;
    let graph = DependencyGraph::build(
        stacks.into_iter().map(StackFacts::from).collect(),
        &settings.label_prefixes,
    );
    let roots: Vec<&StackId> = graph
        .stacks()
        .iter()
        .map(|stack| &stack.id)
        .filter(|id| graph.downstream(id).next().is_some())
        .collect();
    let since_s = since_ms.max(clock::now_ms() - clock::milliseconds(LOOKS_BACK)) / 1000;
    let mut outcome = SweepOutcome {
        stacks: roots.len(),
        recorded: Vec::new(),
    };
    for stack in roots {
        for run in runs_of(spacelift, stack).await? {
            if run.state.succeeded()
                && run.updated_at >= since_s
                && !is_followed(orchestrator, &account, &run).await?
            {
                warn!(stack.id = %stack, run.id = %run.id, "No webhook told of run {} of `{stack}`", run.id);
                let heard = Heard::Event(HeardEvent {
                    event: Box::new(event(&account, stack, &run)),
                    heard_at_ms: None,
                });
                orchestrator
                    .record(&heard, Source::Reconcile)
                    .await
                    .map_err(temporal_error)?;
                metrics::sweep_recovered();
                outcome.recorded.push(StackRun {
                    stack: stack.clone(),
                    run: run.id,
                });
            }
        }
    }
    Ok(outcome)
}

async fn is_followed(
    orchestrator: &Orchestrator,
    account: &AccountName,
    run: &Run,
) -> Result<bool, ActivityError> {
    orchestrator
        .is_followed(account, &run.id)
        .await
        .map_err(temporal_error)
}

fn event(account: &AccountName, stack: &StackId, run: &Run) -> RunEvent {
    RunEvent {
        account: account.clone(),
        run: run.id.clone(),
        stack: stack.clone(),
        stack_name: stack.to_string(),
        space: None,
        state: run.state.clone(),
        state_version: run
            .state_version()
            .and_then(|version| u64::try_from(version).ok()),
        run_type: run.run_type.clone(),
        drift_detection: run.drift_detection,
        branch: run.branch.clone(),
        commit: run.commit.sha.clone(),
        timestamp_ms: run.updated_at.saturating_mul(1000),
        triggered_by: run.triggered_by.clone(),
        delta: None,
        metadata: Vec::new(),
    }
}
