//! Finds what webhooks missed: runs without a follower, and ends that were not recorded. The cost depends on the number
//! of new runs since the last sweep and of open runs, not on the size of the account.

use std::collections::BTreeSet;
use std::time::Duration;

use chain::event::{EndEvent, EndedRun};
use chain::follow;
use chain::{AccountName, RunId, RunState, RunType, StackId};
use spacelift::{FoundRun, RUNS_SINCE_MAX};
use temporal_client::clock;
use temporal_client::contract::{Received, RunRef, ScheduleMessage, Source, SweepOutcome};
use temporalio_client::WorkflowExecutionStatus;
use temporalio_sdk::activities::ActivityError;
use tracing::{error, warn};

use super::Activities;
use super::limits::LOOK_BACK_MAX;
use super::repair::View;
use crate::failure::{activity_error, temporal_error};
use crate::metrics::{self, SweepFinding};

/// How far before the start of the previous sweep a sweep looks: runs that were being created then.
const OVERLAP: Duration = Duration::from_secs(600);
/// How many runs that were not shown are looked up by one sweep. Each costs a request.
const GIVEN_UP_MAX: usize = 50;
/// How long a chain may be open before it counts for an alarm.
const CHAIN_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

impl Activities {
    pub(super) async fn sweep(&self, since_ms: i64) -> Result<SweepOutcome, ActivityError> {
        let account = self.account().await?.clone();
        let now_ms = clock::now_ms();
        let last_ms = self
            .workflows
            .last_sweep()
            .await
            .map_err(temporal_error)?
            .map(|last| last.began_ms - clock::milliseconds(OVERLAP));
        let from_ms = since_ms
            .max(now_ms - clock::milliseconds(LOOK_BACK_MAX))
            .max(last_ms.unwrap_or(0));
        let mut outcome = SweepOutcome {
            runs: 0,
            recorded: Vec::new(),
            ends: 0,
            repaired: 0,
            swept_at_ms: now_ms,
        };
        let since = self
            .spacelift
            .runs_since(from_ms / 1000)
            .await
            .map_err(activity_error)?;
        if !since.complete {
            let minutes = (now_ms - from_ms) / 60_000;
            error!(
                "More than {RUNS_SINCE_MAX} runs were created in the last {minutes} minutes. The oldest were not checked: if \
                 their webhooks were lost, they start no chains. Sweep more often (`sweep_every`)"
            );
        }
        for found in since.runs {
            let run = found.run;
            outcome.runs += 1;
            if run.run_type != RunType::Tracked {
                continue;
            }
            let status = self
                .workflows
                .follower_status(&account, &run.id)
                .await
                .map_err(temporal_error)?;
            match status {
                Some(WorkflowExecutionStatus::Running) if run.state.is_terminal() => {
                    self.record_missed_run(&account, &found.stack, &run.id, &run.state, &mut outcome)
                        .await?;
                }
                Some(WorkflowExecutionStatus::Running | WorkflowExecutionStatus::Completed) => {}
                // It has no follower, or its follower failed.
                None | Some(_) => {
                    self.record_missed_run(&account, &found.stack, &run.id, &run.state, &mut outcome)
                        .await?;
                }
            }
        }
        self.find_ends(&account, &mut outcome).await?;
        self.restart_lost_schedule(&account).await?;
        let view = self.view(&account).await?;
        outcome.repaired = self.repair_schedule(&account, &view).await?;
        count_stalled(&view, now_ms);
        self.find_shown_again(&account, now_ms, &mut outcome).await?;
        metrics::sweep_succeeded();
        Ok(outcome)
    }

    /// Follows runs again that Spacelift did not show for so long that their followers gave up.
    async fn find_shown_again(
        &self,
        account: &AccountName,
        now_ms: i64,
        outcome: &mut SweepOutcome,
    ) -> Result<(), ActivityError> {
        let since_ms = now_ms - clock::milliseconds(LOOK_BACK_MAX);
        let every_ms = clock::milliseconds(self.workflows.settings().sweep_every).max(1);
        let turn = usize::try_from(now_ms / every_ms).unwrap_or(0);
        let given_up = self
            .workflows
            .given_up_runs(account, since_ms, GIVEN_UP_MAX, turn)
            .await
            .map_err(temporal_error)?;
        for (stack, run) in given_up {
            let shown = self.spacelift.run(&stack, &run).await.map_err(activity_error)?;
            if let Some(shown) = shown.filter(|shown| shown.run_type == RunType::Tracked) {
                self.record_missed_run(account, &stack, &run, &shown.state, outcome)
                    .await?;
            }
        }
        Ok(())
    }

    /// Finds followers of runs that are over and whose last webhook was missed.
    async fn find_ends(
        &self,
        account: &AccountName,
        outcome: &mut SweepOutcome,
    ) -> Result<(), ActivityError> {
        let followed = self
            .workflows
            .followed_runs(account)
            .await
            .map_err(temporal_error)?;
        if followed.is_empty() {
            return Ok(());
        }
        let open = self.unfinished_runs().await?;
        let now_s = clock::now_ms() / 1000;
        for FoundRun { run, .. } in &open {
            let latest = run.history.first();
            let since_s = latest.map_or(run.updated_at, |latest| latest.timestamp);
            if run.run_type == RunType::Tracked && follow::waits_long_for_worker(&run.state, since_s, now_s) {
                metrics::sweep_found(SweepFinding::WaitingRun);
            }
        }
        let open: BTreeSet<RunId> = open.into_iter().map(|found| found.run.id).collect();
        for run in followed.into_iter().filter(|run| !open.contains(run)) {
            self.workflows
                .signal_look(account, &run)
                .await
                .map_err(temporal_error)?;
            outcome.ends += 1;
        }
        Ok(())
    }

    /// Has a run looked up if it is over, and followed if not.
    async fn record_missed_run(
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
            self.workflows.record(&ended, Source::Reconcile).await
        } else {
            self.workflows
                .follow(account, stack, run, Source::Reconcile)
                .await
        }
        .map_err(temporal_error)?;
        warn!(stack.id = %stack, run.id = %run, "No webhook announced run {run} of `{stack}`; following it now");
        metrics::sweep_recovered();
        outcome.recorded.push(RunRef {
            stack: stack.clone(),
            run: run.clone(),
        });
        Ok(())
    }

    /// Restarts a schedule that was terminated, so that it finds out what is open. Also one that ended by itself
    /// although chains are open.
    async fn restart_lost_schedule(&self, account: &AccountName) -> Result<(), ActivityError> {
        let status = self
            .workflows
            .status(&temporal_client::id::schedule(account))
            .await
            .map_err(temporal_error)?;
        match status {
            Some(WorkflowExecutionStatus::Running) => return Ok(()),
            None | Some(WorkflowExecutionStatus::Completed) => {
                let open = self
                    .workflows
                    .open_chains(account)
                    .await
                    .map_err(temporal_error)?;
                if open.is_empty() {
                    return Ok(());
                }
            }
            Some(_) => {}
        }
        warn!("The schedule of `{account}` is missing; starting a new one");
        self.workflows
            .signal_schedule(account, &ScheduleMessage::Wake)
            .await
            .map_err(temporal_error)
    }
}

/// Counts halts and old chains for the alarms.
fn count_stalled(view: &View, now_ms: i64) {
    if view.is_halted {
        metrics::sweep_found(SweepFinding::Halt);
    }
    let day_ago_s = (now_ms - clock::milliseconds(CHAIN_AGE_MAX)) / 1000;
    for chain in view
        .report
        .iter()
        .flat_map(|report| report.begun_until(day_ago_s))
    {
        warn!(chain.id = %chain, "{chain} has been open for a day");
        metrics::sweep_found(SweepFinding::OldChain);
    }
}
