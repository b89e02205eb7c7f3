//! Finding what no webhook told of: runs that nobody follows, and ends that nobody recorded. What it costs grows with the
//! runs that were made since the last sweep and those that are open, not with the account.

use std::collections::BTreeSet;
use std::time::Duration;

use chain::event::{EndEvent, EndedRun};
use chain::{AccountName, RunId, RunState, RunType, StackId};
use orchestrator::clock;
use orchestrator::contract::{Received, RunRef, ScheduleMessage, Source, SweepOutcome};
use temporalio_client::WorkflowExecutionStatus;
use temporalio_sdk::activities::ActivityError;
use tracing::warn;

use super::Activities;
use crate::failure::{activity_error, temporal_error};
use crate::metrics::{self, Found};

/// How far back a sweep looks at most. Temporal forgets closed workflows after its retention, so a run from before that
/// could start a second chain.
pub(super) const LOOKS_BACK: Duration = Duration::from_secs(12 * 3600);
/// How far a sweep looks back behind the beginning of the one before: runs that were being made then.
const OVERLAP: Duration = Duration::from_secs(600);
/// How long a chain may be open before a person is told.
const CHAIN_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How long a run may be queued, or ready for a worker, before a person is told.
const RUN_WAIT_MAX: Duration = Duration::from_secs(3600);
impl Activities {
    pub(super) async fn sweep(&self, since_ms: i64) -> Result<SweepOutcome, ActivityError> {
        let account = self.account().await?.clone();
        let now_ms = clock::now_ms();
        let last_ms = self
            .orchestrator
            .last_sweep_ms()
            .await
            .map_err(temporal_error)?
            .map(|last_ms| last_ms - clock::milliseconds(OVERLAP));
        let from_ms = since_ms
            .max(now_ms - clock::milliseconds(LOOKS_BACK))
            .max(last_ms.unwrap_or(0));
        let mut outcome = SweepOutcome {
            runs: 0,
            recorded: Vec::new(),
            ends: 0,
            swept_at_ms: now_ms,
        };
        let since = self
            .spacelift
            .runs_since(from_ms / 1000)
            .await
            .map_err(activity_error)?;
        for found in since.runs {
            let run = found.run;
            outcome.runs += 1;
            if run.run_type != RunType::Tracked {
                continue;
            }
            let status = self
                .orchestrator
                .follower_status(&account, &run.id)
                .await
                .map_err(temporal_error)?;
            match status {
                Some(WorkflowExecutionStatus::Running) if run.state.is_terminal() => {
                    self.make_known(&account, &found.stack, &run.id, &run.state, &mut outcome)
                        .await?;
                }
                Some(WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Completed) => {}
                // Nobody follows it, or whoever did failed.
                None | Some(_) => {
                    self.make_known(&account, &found.stack, &run.id, &run.state, &mut outcome)
                        .await?;
                }
            }
        }
        self.find_ends(&account, &mut outcome).await?;
        self.wake_a_lost_schedule(&account).await?;
        self.count_what_stands_still(&account, now_ms).await?;
        metrics::sweep_succeeded();
        Ok(outcome)
    }

    /// Followers of runs that are over, and of whose end no webhook came.
    async fn find_ends(
        &self,
        account: &AccountName,
        outcome: &mut SweepOutcome,
    ) -> Result<(), ActivityError> {
        let followed = self
            .orchestrator
            .followed_runs(account)
            .await
            .map_err(temporal_error)?;
        if followed.is_empty() {
            return Ok(());
        }
        let open = self.runs_under_way().await?;
        let waits_since = (clock::now_ms() - clock::milliseconds(RUN_WAIT_MAX)) / 1000;
        for found in &open {
            if found.run.run_type == RunType::Tracked && has_waited_since(&found.run, waits_since) {
                metrics::sweep_found(Found::WaitingRun);
            }
        }
        let open: BTreeSet<RunId> = open.into_iter().map(|found| found.run.id).collect();
        for run in followed.into_iter().filter(|run| !open.contains(run)) {
            self.orchestrator
                .have_run_looked_at(account, &run)
                .await
                .map_err(temporal_error)?;
            outcome.ends += 1;
        }
        Ok(())
    }

    /// Halts and old chains, for the alarms.
    async fn count_what_stands_still(&self, account: &AccountName, now_ms: i64) -> Result<(), ActivityError> {
        if self
            .orchestrator
            .is_halted(account)
            .await
            .map_err(temporal_error)?
        {
            metrics::sweep_found(Found::Halt);
        }
        let old = self
            .orchestrator
            .chains_open_since(account, now_ms - clock::milliseconds(CHAIN_AGE_MAX))
            .await
            .map_err(temporal_error)?;
        for chain in old {
            warn!(chain.id = %chain, "{chain} has been open for a day");
            metrics::sweep_found(Found::OldChain);
        }
        Ok(())
    }

    /// Has a run looked at, and followed where it is not over.
    async fn make_known(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunId,
        state: &RunState,
        outcome: &mut SweepOutcome,
    ) -> Result<(), ActivityError> {
        if state.is_terminal() {
            let ended = Received::RunEnded {
                account: account.clone(),
                ended: EndedRun {
                    account: Some(account.clone()),
                    stack: stack.clone(),
                    run: run.clone(),
                    event: if state.succeeded() {
                        EndEvent::Completed
                    } else {
                        EndEvent::Failed
                    },
                },
            };
            self.orchestrator.record(&ended, Source::Reconcile).await
        } else {
            self.orchestrator
                .follow(account, stack, run, Source::Reconcile)
                .await
        }
        .map_err(temporal_error)?;
        warn!(stack.id = %stack, run.id = %run, "No webhook told of run {run} of `{stack}`");
        metrics::sweep_recovered();
        outcome.recorded.push(RunRef {
            stack: stack.clone(),
            run: run.clone(),
        });
        Ok(())
    }

    /// A schedule that was ended by force begins again, and finds out what is open. So does one that ended by itself, if
    /// chains are open all the same.
    async fn wake_a_lost_schedule(&self, account: &AccountName) -> Result<(), ActivityError> {
        let status = self
            .orchestrator
            .status(&orchestrator::id::schedule(account))
            .await
            .map_err(temporal_error)?;
        match status {
            Some(WorkflowExecutionStatus::Running) => return Ok(()),
            None | Some(WorkflowExecutionStatus::Completed) => {
                let open = self
                    .orchestrator
                    .open_chains(account)
                    .await
                    .map_err(temporal_error)?;
                if open.is_empty() {
                    return Ok(());
                }
            }
            Some(_) => {}
        }
        warn!("The schedule of `{account}` is gone: it begins again");
        self.orchestrator
            .tell_schedule(account, &ScheduleMessage::Wake)
            .await
            .map_err(temporal_error)
    }
}

/// Whether a run has been queued, or ready for a worker, since a moment or longer.
fn has_waited_since(run: &spacelift::Run, since_s: i64) -> bool {
    let since = run
        .history
        .first()
        .map_or(run.updated_at, |latest| latest.timestamp);
    matches!(run.state, RunState::Queued | RunState::Ready) && since <= since_s
}
