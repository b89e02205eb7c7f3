//! `spillway chain cancel --stop-runs`: what happened to each run of the chain.

use std::fmt;
use std::time::Duration;

use chain::{ChainId, ChainRecord, RunId, RunState, StackId, StackProgress, StackState};
use schemars::JsonSchema;
use serde::Serialize;
use temporal_client::contract::ChainReport;

use crate::clients::Clients;

/// How long to wait until the runs have ended.
const STOPPING: Duration = Duration::from_secs(30);
/// How often the runs are read until they have ended.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A run of a chain that was cancelled with its runs, and what was done to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct StoppedRun {
    stack: StackId,
    run: RunId,
    done: Done,
    /// Its state when the command ended.
    state: RunState,
    /// The other chains that need it, if it continues because of them.
    chains: Vec<ChainId>,
}

/// What was done to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "StoppedRunDone")]
enum Done {
    Cancelled,
    Discarded,
    Stopped,
    /// It had already ended.
    Ended,
    /// It is confirmed or applying, so it continues.
    LeftConfirmed,
    /// Another chain needs it.
    LeftForOtherChain,
    /// Spillway did not trigger it.
    LeftToOthers,
    /// It had not ended when the command ended.
    Pending,
}

impl Done {
    /// What was done to a run in this state. `is_found`: Spillway did not trigger it. `is_needed`: another chain needs it.
    fn of(state: &RunState, is_found: bool, is_needed: bool) -> Self {
        match state {
            RunState::Canceled => Self::Cancelled,
            RunState::Discarded => Self::Discarded,
            RunState::Stopped => Self::Stopped,
            state if state.is_terminal() => Self::Ended,
            _ if is_found => Self::LeftToOthers,
            _ if is_needed => Self::LeftForOtherChain,
            RunState::Confirmed | RunState::PreparingApply | RunState::Applying => Self::LeftConfirmed,
            _ => Self::Pending,
        }
    }
}

impl fmt::Display for StoppedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stack, run, state, ..
        } = self;
        match self.done {
            Done::Cancelled => write!(f, "Cancelled run {run} of {stack}."),
            Done::Discarded => write!(f, "Discarded run {run} of {stack}."),
            Done::Stopped => write!(f, "Stopped run {run} of {stack}."),
            Done::Ended => write!(f, "Run {run} of {stack} had ended as {state}."),
            Done::LeftConfirmed => write!(
                f,
                "Run {run} of {stack} continues: it is {state}, and Spillway never ends confirmed runs."
            ),
            Done::LeftForOtherChain => {
                let chains = self.chains.iter().map(ToString::to_string);
                let chains = chains.collect::<Vec<_>>().join(", ");
                write!(
                    f,
                    "Run {run} of {stack} continues: another chain needs it ({chains})."
                )
            }
            Done::LeftToOthers => write!(
                f,
                "Run {run} of {stack} continues: Spillway did not trigger it. It can be ended in Spacelift."
            ),
            Done::Pending => write!(
                f,
                "Run {run} of {stack} is {state}, and has not ended yet. Check it with `spillway run list {stack}`."
            ),
        }
    }
}

/// A run that was under way when the chain was cancelled.
#[derive(Debug)]
pub(super) struct RunOfChain {
    stack: StackId,
    run: RunId,
    is_found: bool,
}

/// The runs of a chain that are under way.
pub(super) fn of(report: &ChainReport) -> Vec<RunOfChain> {
    let progress = report.record.iter().flat_map(ChainRecord::progress);
    let running = |stack: &&StackProgress| stack.state == StackState::Running;
    let runs = progress.filter(running).filter_map(|stack| {
        Some(RunOfChain {
            stack: stack.id.clone(),
            run: stack.run.clone()?,
            is_found: stack.found,
        })
    });
    runs.collect()
}

/// The other chains that need a run of this stack. They are read at each look: somebody may cancel them with their runs, too.
async fn needed_by(clients: &Clients, stack: &StackId, cancelled: &ChainId) -> anyhow::Result<Vec<ChainId>> {
    let report = clients.workflows.stack_report(&clients.account, stack).await?;
    let chains = report.into_iter().flat_map(|report| report.chains);
    let mut needed_by = Vec::new();
    for chain in chains.filter(|chain| chain != cancelled) {
        let record = clients.workflows.open_record(&chain).await?;
        if record.is_some_and(|record| !record.stops_runs()) {
            needed_by.push(chain);
        }
    }
    Ok(needed_by)
}

/// Waits until each run of the cancelled chain has ended or is known to continue, and returns what was done to it.
pub(super) async fn await_ends(
    clients: &Clients,
    cancelled: &ChainId,
    runs: Vec<RunOfChain>,
) -> anyhow::Result<Vec<StoppedRun>> {
    let until = tokio::time::Instant::now() + STOPPING;
    let mut stopped = Vec::new();
    for run in runs {
        loop {
            let found = clients.spacelift.run(&run.stack, &run.run).await?;
            // A run that Spacelift no longer has is over.
            let state = found.map_or(RunState::Canceled, |found| found.state);
            let chains = if state.is_terminal() || run.is_found {
                Vec::new()
            } else {
                needed_by(clients, &run.stack, cancelled).await?
            };
            let done = Done::of(&state, run.is_found, !chains.is_empty());
            if done == Done::Pending && tokio::time::Instant::now() < until {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            }
            stopped.push(StoppedRun {
                stack: run.stack,
                run: run.run,
                done,
                state,
                chains,
            });
            break;
        }
    }
    Ok(stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_ended_or_left_alone_for_a_reason() {
        for (state, is_found, is_needed, expected) in [
            (RunState::Canceled, false, false, "Cancelled run 01R of db."),
            (RunState::Discarded, false, false, "Discarded run 01R of db."),
            (RunState::Stopped, false, false, "Stopped run 01R of db."),
            (
                RunState::Finished,
                false,
                true,
                "Run 01R of db had ended as FINISHED.",
            ),
            (
                RunState::Applying,
                false,
                false,
                "Run 01R of db continues: it is APPLYING, and Spillway never ends confirmed runs.",
            ),
            (
                RunState::Planning,
                false,
                true,
                "Run 01R of db continues: another chain needs it (chain:acme:01K, chain:acme:01M).",
            ),
            (
                RunState::Planning,
                true,
                false,
                "Run 01R of db continues: Spillway did not trigger it. It can be ended in Spacelift.",
            ),
            (
                RunState::Planning,
                false,
                false,
                "Run 01R of db is PLANNING, and has not ended yet. Check it with `spillway run list db`.",
            ),
        ] {
            let stopped = StoppedRun {
                stack: "db".parse().unwrap(),
                run: "01R".parse().unwrap(),
                done: Done::of(&state, is_found, is_needed),
                state,
                chains: ["chain:acme:01K", "chain:acme:01M"]
                    .map(ChainId::of_workflow)
                    .into(),
            };
            assert_eq!(stopped.to_string(), expected);
        }
    }
}
