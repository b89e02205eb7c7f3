//! Asking for chains, and steering them.

use std::time::{Duration, SystemTime};

use chain::schedule::{Control, ScheduleReport, StackReport};
use chain::{AccountName, AttemptOutcome, ChainId, RunId, StackId};
use futures::StreamExt;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError};
use temporalio_client::{
    UntypedWorkflow, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowGetResultOptions,
    WorkflowListOptions, WorkflowQueryOptions,
};
use temporalio_common::QueryDefinition;

use crate::contract::{ChainReport, FollowOutcome, ScheduleMessage};
use crate::definition::{
    ChainState, ScheduleState, SpaceliftWebhookWorkflow, StackDependencyChainWorkflow,
    StackExecutionWorkflow, StackScheduleWorkflow, StackWhy,
};
use crate::id;
use crate::{Orchestrator, TemporalError};

/// How often it is looked whether a chain has begun.
const BEGINNING_POLL: Duration = Duration::from_millis(200);

/// How often somebody who watches a chain sees it anew.
const WATCH_POLL: Duration = Duration::from_millis(500);

/// A chain in a list.
#[derive(Debug, Clone)]
pub struct ChainSummary {
    pub id: ChainId,
    pub status: WorkflowExecutionStatus,
    pub started: Option<SystemTime>,
    pub closed: Option<SystemTime>,
}

impl Orchestrator {
    /// Waits for the end of a chain, and for its beginning where it is not there yet.
    pub async fn end_of_chain(&self, chain: &ChainId) -> Result<ChainReport, TemporalError> {
        let handle = self
            .client
            .get_workflow_handle::<StackDependencyChainWorkflow>(chain.as_str());
        loop {
            match handle.get_result(WorkflowGetResultOptions::default()).await {
                Err(WorkflowGetResultError::NotFound(_)) => tokio::time::sleep(BEGINNING_POLL).await,
                result => {
                    return result.map_err(|error| {
                        TemporalError::new(format!("tell the outcome of `{chain}`"), error)
                    });
                }
            }
        }
    }

    /// Where a chain stands; `None` where there is no such chain. A chain that ended needs no worker to say so.
    pub async fn chain(&self, chain: &ChainId) -> Result<Option<ChainReport>, TemporalError> {
        match self.status(chain.as_str()).await? {
            Some(status) => self.report(chain, status).await.map(Some),
            None => Ok(None),
        }
    }

    /// Where a chain stands whose workflow has this status.
    pub async fn report(
        &self,
        chain: &ChainId,
        status: WorkflowExecutionStatus,
    ) -> Result<ChainReport, TemporalError> {
        if status != WorkflowExecutionStatus::Running {
            return self.end_of_chain(chain).await;
        }
        self.client
            .get_workflow_handle::<StackDependencyChainWorkflow>(chain.as_str())
            .query(ChainState, (), WorkflowQueryOptions::default())
            .await
            .map_err(|error| TemporalError::new(format!("say where `{chain}` stands"), error))
    }

    /// Shows where a chain stands, again and again, until it is over.
    pub async fn watch_chain(
        &self,
        chain: &ChainId,
        mut show: impl FnMut(&ChainReport),
    ) -> Result<ChainReport, TemporalError> {
        loop {
            if let Some(report) = self.chain(chain).await? {
                show(&report);
                if report.result.is_over() {
                    return Ok(report);
                }
            }
            tokio::time::sleep(WATCH_POLL).await;
        }
    }

    /// Waits for the end of a run that was asked for.
    pub async fn end_of_request(&self, workflow_id: &str) -> Result<FollowOutcome, TemporalError> {
        self.client
            .get_workflow_handle::<SpaceliftWebhookWorkflow>(workflow_id)
            .get_result(WorkflowGetResultOptions::default())
            .await
            .map_err(|error| TemporalError::new(format!("tell the outcome of `{workflow_id}`"), error))
    }

    /// The workflow that follows a run: whether it is under way, ended well, or failed. `None` where there is none.
    pub async fn follower_status(
        &self,
        account: &AccountName,
        run: &RunId,
    ) -> Result<Option<WorkflowExecutionStatus>, TemporalError> {
        self.status(&id::follow_run(account, run)).await
    }

    /// The status of a workflow; `None` where there is none.
    pub async fn status(&self, workflow_id: &str) -> Result<Option<WorkflowExecutionStatus>, TemporalError> {
        let handle = self.client.get_workflow_handle::<UntypedWorkflow>(workflow_id);
        match handle.describe(WorkflowDescribeOptions::default()).await {
            Ok(described) => Ok(Some(described.status())),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(None),
            Err(error) => Err(TemporalError::new(format!("find `{workflow_id}`"), error)),
        }
    }

    /// Waits for the end of the attempt at a stack that is under way. `None` where it left no outcome.
    pub async fn end_of_execution(
        &self,
        account: &AccountName,
        stack: &StackId,
    ) -> Result<Option<AttemptOutcome>, TemporalError> {
        let workflow_id = id::execution(account, stack);
        let handle = self
            .client
            .get_workflow_handle::<StackExecutionWorkflow>(&workflow_id);
        match handle.get_result(WorkflowGetResultOptions::default()).await {
            Ok(outcome) => Ok(Some(outcome)),
            Err(error @ WorkflowGetResultError::Rpc(_)) => Err(TemporalError::new(
                format!("tell the outcome of `{workflow_id}`"),
                error,
            )),
            Err(_) => Ok(None),
        }
    }

    /// Pauses, resumes or cancels a chain. `false` where no such chain is under way.
    pub async fn control(&self, chain: &ChainId, control: Control, by: &str) -> Result<bool, TemporalError> {
        let Some(account) = chain.account() else {
            return Ok(false);
        };
        if self.status(chain.as_str()).await? != Some(WorkflowExecutionStatus::Running) {
            return Ok(false);
        }
        let message = ScheduleMessage::Controlled {
            chain: chain.clone(),
            control,
            by: by.to_owned(),
        };
        self.tell_schedule(&account, &message).await?;
        Ok(true)
    }

    /// Everything that is open in an account; `None` where nothing is.
    pub async fn schedule_report(
        &self,
        account: &AccountName,
    ) -> Result<Option<ScheduleReport>, TemporalError> {
        self.ask_schedule(account, ScheduleState, ()).await
    }

    /// What is known of one stack, and why it waits; `None` where nothing is open in the account.
    pub async fn stack_report(
        &self,
        account: &AccountName,
        stack: &StackId,
    ) -> Result<Option<StackReport>, TemporalError> {
        self.ask_schedule(account, StackWhy, stack.clone()).await
    }

    /// `None` where the account has no schedule at this moment.
    async fn ask_schedule<Q>(
        &self,
        account: &AccountName,
        query: Q,
        input: Q::Input,
    ) -> Result<Option<Q::Output>, TemporalError>
    where
        Q: QueryDefinition<Workflow = StackScheduleWorkflow>,
        Q::Input: Send,
    {
        let workflow_id = id::schedule(account);
        if self.status(&workflow_id).await? != Some(WorkflowExecutionStatus::Running) {
            return Ok(None);
        }
        self.client
            .get_workflow_handle::<StackScheduleWorkflow>(&workflow_id)
            .query(query, input, WorkflowQueryOptions::default())
            .await
            .map(Some)
            .map_err(|error| TemporalError::new(format!("ask `{workflow_id}`"), error))
    }

    /// The newest chains, running ones and closed ones.
    pub async fn chains(&self, limit: usize) -> Result<Vec<ChainSummary>, TemporalError> {
        let query = format!("WorkflowType = '{}'", StackDependencyChainWorkflow::NAME);
        let options = WorkflowListOptions::builder().limit(limit).build();
        let mut found = self.client.list_workflows(query, options);
        let mut chains = Vec::new();
        while let Some(execution) = found.next().await {
            let execution = execution.map_err(|error| TemporalError::new("list the chains", error))?;
            chains.push(ChainSummary {
                id: ChainId::of_workflow(execution.id()),
                status: execution.status(),
                started: execution.start_time(),
                closed: execution.close_time(),
            });
        }
        Ok(chains)
    }
}
