//! Asking for chains, and steering them.

use std::time::{Duration, SystemTime};

use chain::{AccountName, Reason, RunId};
use futures::StreamExt;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError};
use temporalio_client::{
    WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowGetResultOptions, WorkflowListOptions,
    WorkflowQueryOptions, WorkflowSignalOptions,
};

use crate::contract::{ChainReport, Control, ExecutionOutcome, ExecutionResult, FollowOutcome};
use crate::definition::{
    ChainState, ControlChain, SpaceliftWebhookWorkflow, StackDependencyChainWorkflow, StackExecutionWorkflow,
};
use crate::id::{self, ChainId, ExecutionId};
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
        let failed = |error| TemporalError::new(format!("find `{chain}`"), error);
        let handle = self
            .client
            .get_workflow_handle::<StackDependencyChainWorkflow>(chain.as_str());
        let status = match handle.describe(WorkflowDescribeOptions::default()).await {
            Ok(described) => described.status(),
            Err(WorkflowInteractionError::NotFound(_)) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        self.report(chain, status).await.map(Some)
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

    /// Tells where a chain stands, again and again, until it is over.
    pub async fn watch_chain(
        &self,
        chain: &ChainId,
        mut told: impl FnMut(&ChainReport),
    ) -> Result<ChainReport, TemporalError> {
        loop {
            if let Some(report) = self.chain(chain).await? {
                told(&report);
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

    /// Whether a run is followed, or was.
    pub async fn is_followed(&self, account: &AccountName, run: &RunId) -> Result<bool, TemporalError> {
        let workflow_id = id::follow_run(account, run);
        let handle = self
            .client
            .get_workflow_handle::<SpaceliftWebhookWorkflow>(&workflow_id);
        match handle.describe(WorkflowDescribeOptions::default()).await {
            Ok(_) => Ok(true),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
            Err(error) => Err(TemporalError::new(format!("find `{workflow_id}`"), error)),
        }
    }

    /// How the execution of a stack ended; `None` while it goes on.
    pub async fn execution(&self, id: &ExecutionId) -> Result<Option<ExecutionOutcome>, TemporalError> {
        let failed = |why: String| {
            ExecutionOutcome::without_run(ExecutionResult::Failed {
                reason: Reason::new("execution_failed", why),
            })
        };
        let handle = self
            .client
            .get_workflow_handle::<StackExecutionWorkflow>(id.as_str());
        match handle.describe(WorkflowDescribeOptions::default()).await {
            Ok(described) if described.status() == WorkflowExecutionStatus::Running => return Ok(None),
            Ok(_) => {}
            Err(WorkflowInteractionError::NotFound(_)) => {
                return Ok(Some(failed("Temporal no longer knows its execution".to_owned())));
            }
            Err(error) => return Err(TemporalError::new(format!("find `{id}`"), error)),
        }
        match handle.get_result(WorkflowGetResultOptions::default()).await {
            Ok(outcome) => Ok(Some(outcome)),
            Err(error @ WorkflowGetResultError::Rpc(_)) => {
                Err(TemporalError::new(format!("tell the outcome of `{id}`"), error))
            }
            Err(ended) => Ok(Some(failed(ended.to_string()))),
        }
    }

    /// Pauses, resumes or cancels a chain. `false` where no such chain is under way.
    pub async fn control(&self, chain: &ChainId, control: Control) -> Result<bool, TemporalError> {
        let handle = self
            .client
            .get_workflow_handle::<StackDependencyChainWorkflow>(chain.as_str());
        match handle
            .signal(ControlChain, control, WorkflowSignalOptions::default())
            .await
        {
            Ok(()) => Ok(true),
            Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
            Err(error) => Err(TemporalError::new(format!("reach `{chain}`"), error)),
        }
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
