//! The accounts that Temporal knows, for when Spacelift does not answer.

use std::collections::BTreeSet;

use chain::AccountName;
use futures::{StreamExt, TryStreamExt};
use temporalio_client::WorkflowListOptions;

use crate::definition::StackScheduleWorkflow;
use crate::{TemporalError, WorkflowClient, id};

/// How many schedules are read, newest first. Each account has a new one after ten idle minutes.
const SCHEDULES_MAX: usize = 500;

impl WorkflowClient {
    /// The accounts for which this installation decided something lately. No worker is needed.
    pub async fn known_accounts(&self) -> Result<BTreeSet<AccountName>, TemporalError> {
        let query = format!(
            "WorkflowType = '{}' AND TaskQueue = '{}'",
            StackScheduleWorkflow::NAME,
            self.settings().task_queue
        );
        let options = WorkflowListOptions::builder().limit(SCHEDULES_MAX).build();
        self.client()
            .list_workflows(query, options)
            .try_filter_map(async |schedule| Ok(id::account_of_schedule(schedule.id())))
            .map(|account| account.map_err(|error| TemporalError::new("find the accounts", error)))
            .try_collect()
            .await
    }
}
