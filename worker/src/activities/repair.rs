//! Finds differences between the open workflows and the schedule's state, and reports them to the schedule.

use std::time::Duration;

use chain::schedule::Differences;
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

/// After this time, signals between Temporal and the schedule have arrived. A chain's record is up to two seconds late.
const SIGNAL_DELAY: Duration = Duration::from_secs(3);

impl Activities {
    /// Returns the number of repaired differences.
    pub(super) async fn repair_schedule(&self, account: &AccountName) -> Result<usize, ActivityError> {
        let first = self.differences(account).await?;
        if first.is_empty() {
            return Ok(0);
        }
        tokio::time::sleep(SIGNAL_DELAY).await;
        let both = first.and(&self.differences(account).await?);
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

    /// None if there is no schedule or it does not answer: other checks find that.
    async fn differences(&self, account: &AccountName) -> Result<Differences, ActivityError> {
        // Listed before the schedule is queried: it knows of those that begin in the meantime.
        let attempts = self
            .workflows
            .open_executions(account)
            .await
            .map_err(temporal_error)?;
        let chains = self
            .workflows
            .open_chains(account)
            .await
            .map_err(temporal_error)?;
        if attempts.is_empty() && chains.is_empty() {
            return Ok(Differences::default());
        }
        // Read before the schedule is queried, as above.
        let is_halted = self.workflows.is_halted(account).await.map_err(temporal_error)?;
        match with_timeout(self.workflows.schedule_report(account)).await {
            Ok(Some(report)) => Ok(Differences::between(
                &report,
                &chains.into_iter().collect(),
                &attempts.into_iter().collect(),
                is_halted,
            )),
            Ok(None) => Ok(Differences::default()),
            Err(why) => {
                metrics::alarm(Alarm::ScheduleSilent);
                error!("The schedule of `{account}` does not answer: {why}");
                Ok(Differences::default())
            }
        }
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
