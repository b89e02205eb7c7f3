//! What is open in an account: for a schedule that has to know it again.

use std::collections::BTreeSet;

use chain::id::parts;
use chain::{AccountName, ChainId, RunId, StackId};
use futures::StreamExt;
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::{WorkflowExecutionStatus, WorkflowListOptions, WorkflowSignalOptions};

use crate::definition::{
    LookAtRun, ReconcileWorkflow, SpaceliftWebhookWorkflow, StackDependencyChainWorkflow,
    StackExecutionWorkflow, StackScheduleWorkflow,
};
use crate::id;
use crate::{Orchestrator, TemporalError, clock};

const RUNNING: &str = "ExecutionStatus = 'Running'";

impl Orchestrator {
    /// The chains of an account that are under way.
    pub async fn open_chains(&self, account: &AccountName) -> Result<Vec<ChainId>, TemporalError> {
        self.chains_where(account, RUNNING).await
    }

    /// The chains of an account that are under way and whose history began at this moment or before.
    pub async fn chains_open_since(
        &self,
        account: &AccountName,
        at_ms: i64,
    ) -> Result<Vec<ChainId>, TemporalError> {
        let old = format!("{RUNNING} AND StartTime <= '{}'", in_query(at_ms));
        self.chains_where(account, &old).await
    }

    async fn chains_where(
        &self,
        account: &AccountName,
        condition: &str,
    ) -> Result<Vec<ChainId>, TemporalError> {
        let found = self
            .workflows(StackDependencyChainWorkflow::NAME, condition)
            .await?;
        let chains = found.into_iter().map(|id| ChainId::of_workflow(&id));
        Ok(chains
            .filter(|chain| chain.account().as_ref() == Some(account))
            .collect())
    }

    /// The stacks of an account at which an attempt is under way.
    pub async fn open_executions(&self, account: &AccountName) -> Result<Vec<StackId>, TemporalError> {
        let open = self.workflows(StackExecutionWorkflow::NAME, RUNNING).await?;
        let stack_of = |id: String| {
            let stack: StackId = parts(&id).next_back()?.parse().ok()?;
            (id::execution(account, &stack) == id).then_some(stack)
        };
        Ok(open.into_iter().filter_map(stack_of).collect())
    }

    /// The runs of an account that are followed.
    pub async fn followed_runs(&self, account: &AccountName) -> Result<Vec<RunId>, TemporalError> {
        let open = self.workflows(SpaceliftWebhookWorkflow::NAME, RUNNING).await?;
        let run_of = |id: String| {
            let run: RunId = parts(&id).next_back()?.parse().ok()?;
            (id::follow_run(account, &run) == id).then_some(run)
        };
        Ok(open.into_iter().filter_map(run_of).collect())
    }

    /// Has a run that is followed looked at now. Where nobody follows it any more, nothing happens.
    pub async fn have_run_looked_at(&self, account: &AccountName, run: &RunId) -> Result<(), TemporalError> {
        let workflow_id = id::follow_run(account, run);
        let handle = self
            .client()
            .get_workflow_handle::<SpaceliftWebhookWorkflow>(&workflow_id);
        match handle
            .signal(LookAtRun, (), WorkflowSignalOptions::default())
            .await
        {
            Ok(()) | Err(WorkflowInteractionError::NotFound(_)) => Ok(()),
            Err(error) => Err(TemporalError::new(format!("reach `{workflow_id}`"), error)),
        }
    }

    /// When the last sweep that succeeded began, in milliseconds since 1970.
    pub async fn last_sweep_ms(&self) -> Result<Option<i64>, TemporalError> {
        let query = format!(
            "WorkflowType = '{}' AND ExecutionStatus = 'Completed' AND TaskQueue = '{}'",
            ReconcileWorkflow::NAME,
            self.settings().task_queue
        );
        let options = WorkflowListOptions::builder().limit(1).build();
        let mut found = self.client().list_workflows(query, options);
        let Some(last) = found.next().await else {
            return Ok(None);
        };
        let last = last.map_err(|error| TemporalError::new("find the last sweep", error))?;
        Ok(last.start_time().map(clock::since_1970_ms))
    }

    /// The chains that began after a moment, by the ids of their workflows.
    pub async fn chains_begun_since(&self, since_ms: i64) -> Result<BTreeSet<String>, TemporalError> {
        let begun = format!("StartTime >= '{}'", in_query(since_ms));
        let found = self.workflows(StackDependencyChainWorkflow::NAME, &begun).await?;
        Ok(found.into_iter().collect())
    }

    /// The followers of runs, and the requests, that began after a moment, by the ids of their workflows.
    pub async fn followers_begun_since(&self, since_ms: i64) -> Result<BTreeSet<String>, TemporalError> {
        let begun = format!("StartTime >= '{}'", in_query(since_ms));
        let found = self.workflows(SpaceliftWebhookWorkflow::NAME, &begun).await?;
        Ok(found.into_iter().collect())
    }

    async fn workflows(&self, workflow_type: &str, condition: &str) -> Result<Vec<String>, TemporalError> {
        let query = format!(
            "WorkflowType = '{workflow_type}' AND {condition} AND TaskQueue = '{}'",
            self.settings().task_queue
        );
        let mut found = self
            .client()
            .list_workflows(query, WorkflowListOptions::default());
        let mut ids = Vec::new();
        while let Some(execution) = found.next().await {
            let execution = execution.map_err(|error| TemporalError::new("list workflows", error))?;
            ids.push(execution.id().to_owned());
        }
        Ok(ids)
    }

    /// Whether the schedule before this one ended by itself, with nothing open, or there was none.
    pub async fn ended_cleanly(&self, account: &AccountName, asked_by: &str) -> Result<bool, TemporalError> {
        let query = format!(
            "WorkflowType = '{}' AND WorkflowId = '{}'",
            StackScheduleWorkflow::NAME,
            id::schedule(account).replace('\'', "''")
        );
        let mut found = self
            .client()
            .list_workflows(query, WorkflowListOptions::default());
        // The newest comes first.
        while let Some(execution) = found.next().await {
            let execution =
                execution.map_err(|error| TemporalError::new("find the schedule before", error))?;
            if execution.run_id() == asked_by {
                continue;
            }
            return Ok(execution.status() == WorkflowExecutionStatus::Completed);
        }
        Ok(true)
    }
}

/// A moment, as queries write it.
fn in_query(at_ms: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default()
}
