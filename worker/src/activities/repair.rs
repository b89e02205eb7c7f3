//! Finds differences between the open workflows and the schedule's state, and reports them to the schedule.

use std::collections::BTreeSet;
use std::time::Duration;

use chain::schedule::{Differences, ScheduleReport};
use chain::{AccountName, ChainId, ChainRecord, StackId};
use temporal_client::contract::ScheduleMessage;
use temporal_client::id;
use temporalio_client::WorkflowExecutionStatus;
use temporalio_sdk::activities::ActivityError;
use tracing::{error, warn};

use super::Activities;
use super::limits::with_timeout;
use crate::failure::temporal_error;
use crate::metrics::{self, Alarm};

/// After this time, signals between Temporal and the schedule have arrived. A chain's record can be later, which is no difference.
const SIGNAL_DELAY: Duration = Duration::from_secs(3);

/// What Temporal knows of an account, and what its schedule says.
pub(super) struct View {
    attempts: BTreeSet<StackId>,
    chains: BTreeSet<ChainId>,
    pub(super) is_halted: bool,
    /// `None` if there is no schedule, or if it does not answer.
    pub(super) report: Option<ScheduleReport>,
}

impl View {
    fn differences(&self) -> Differences {
        let report = self.report.as_ref();
        report
            .map(|report| Differences::between(report, &self.chains, &self.attempts, self.is_halted))
            .unwrap_or_default()
    }
}

impl Activities {
    /// Returns the number of repaired differences.
    pub(super) async fn repair_schedule(
        &self,
        account: &AccountName,
        view: &View,
    ) -> Result<usize, ActivityError> {
        let first = view.differences();
        if first.is_empty() {
            return Ok(0);
        }
        tokio::time::sleep(SIGNAL_DELAY).await;
        let both = first.and(&self.view(account).await?.differences());
        let mut repaired = 0;
        for chain in both.unknown_chains {
            repaired += usize::from(self.report_chain(account, &chain).await?);
        }
        for stack in both.unknown_attempts {
            if self.is_attempt_open(account, &stack).await? {
                warn!(stack.id = %stack, "An attempt at `{stack}` is open and missing in the schedule; adding it");
                self.signal_schedule(account, ScheduleMessage::AttemptFound { stack })
                    .await?;
                repaired += 1;
            }
        }
        for stack in both.lost_attempts {
            if !self.is_attempt_open(account, &stack).await? {
                warn!(stack.id = %stack, "The schedule waits for an attempt at `{stack}` that has ended; ending the wait");
                self.signal_schedule(account, ScheduleMessage::AttemptLost { stack })
                    .await?;
                repaired += 1;
            }
        }
        if both.lost_halt {
            warn!("`{account}` is not halted any more, and the schedule does not know it; reporting it");
            self.signal_schedule(account, ScheduleMessage::HaltGone).await?;
            repaired += 1;
        }
        for _ in 0..repaired {
            metrics::alarm(Alarm::Repaired);
        }
        Ok(repaired)
    }

    pub(super) async fn view(&self, account: &AccountName) -> Result<View, ActivityError> {
        // Read before the schedule is queried: it knows of what begins in the meantime.
        let attempts = self.workflows.open_executions(account).await;
        let chains = self.workflows.open_chains(account).await;
        let is_halted = self.workflows.is_halted(account).await;
        let report = with_timeout(self.workflows.schedule_report(account)).await;
        Ok(View {
            attempts: attempts.map_err(temporal_error)?.into_iter().collect(),
            chains: chains.map_err(temporal_error)?.into_iter().collect(),
            is_halted: is_halted.map_err(temporal_error)?,
            report: report.unwrap_or_else(|why| {
                metrics::alarm(Alarm::ScheduleSilent);
                error!("The schedule of `{account}` does not answer: {why}");
                None
            }),
        })
    }

    /// Reports a chain that the schedule does not know. Returns whether there was something to report.
    async fn report_chain(&self, account: &AccountName, chain: &ChainId) -> Result<bool, ActivityError> {
        let Some(mut record) = self.record_of(chain).await else {
            return Ok(false);
        };
        let runs = self
            .runs_recorded_as_running(std::slice::from_ref(&record), &[])
            .await?;
        warn!(chain.id = %chain, "{chain} is open and missing in the schedule; adding it");
        loop {
            let message = ScheduleMessage::ChainFound {
                record: Box::new(record.clone()),
                runs: runs.clone(),
            };
            self.signal_schedule(account, message).await?;
            // The schedule ignores orders to a chain that it does not know. One that came in the meantime is only here.
            match self.record_of(chain).await {
                Some(newer) if !newer.has_same_orders(&record) => record = newer,
                _ => return Ok(true),
            }
        }
    }

    /// The record of an open chain. None if the chain is over and is writing its audit log, or does not answer.
    async fn record_of(&self, chain: &ChainId) -> Option<ChainRecord> {
        with_timeout(self.workflows.open_record(chain)).await.unwrap_or_else(|why| {
            metrics::alarm(Alarm::ChainSilent);
            error!(chain.id = %chain, "{chain} is open and missing in the schedule, and does not answer: {why}");
            None
        })
    }

    async fn is_attempt_open(&self, account: &AccountName, stack: &StackId) -> Result<bool, ActivityError> {
        let status = self
            .workflows
            .status(&id::execution(account, stack))
            .await
            .map_err(temporal_error)?;
        Ok(status == Some(WorkflowExecutionStatus::Running))
    }
}
