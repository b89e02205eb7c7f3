//! Queries and controls chains.

use std::collections::BTreeSet;
use std::time::Duration;

use chain::schedule::{Control, ScheduleReport, StackReport};
use chain::{AccountName, AttemptOutcome, ChainId, ChainRecord, RunId, StackId};
use futures::StreamExt;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowInteractionError};
use temporalio_client::{
    WorkflowExecutionStatus, WorkflowGetResultOptions, WorkflowListOptions, WorkflowSignalOptions,
};
use temporalio_common::{HasWorkflowDefinition, QueryDefinition};

use crate::chain_page::{ChainFilter, ChainSummary};
use crate::contract::{ChainOrder, ChainReport, FollowOutcome, ScheduleMessage};
use crate::definition::{
    ChainState, OrderChain, ScheduleState, SpaceliftWebhookWorkflow, StackDependencyChainWorkflow,
    StackExecutionWorkflow, StackScheduleWorkflow, StackWhy,
};
use crate::id;
use crate::{Ordered, TemporalError, WorkflowClient};

/// How often to check whether a chain has begun.
const BEGINNING_POLL: Duration = Duration::from_millis(200);

/// How often a watched chain is queried.
const WATCH_POLL: Duration = Duration::from_millis(500);

impl WorkflowClient {
    /// Waits for the end of a chain, and for its beginning if it has not begun yet.
    pub async fn end_of_chain(&self, chain: &ChainId) -> Result<ChainReport, TemporalError> {
        let handle = self
            .client
            .get_workflow_handle::<StackDependencyChainWorkflow>(chain.as_str());
        loop {
            match handle.get_result(WorkflowGetResultOptions::default()).await {
                Err(WorkflowGetResultError::NotFound(_)) => tokio::time::sleep(BEGINNING_POLL).await,
                result => {
                    return result
                        .map_err(|error| TemporalError::new(format!("read the result of `{chain}`"), error));
                }
            }
        }
    }

    /// The state of a chain; `None` if it does not exist. A chain that ended needs no worker for the answer.
    pub async fn chain(&self, chain: &ChainId) -> Result<Option<ChainReport>, TemporalError> {
        match self.chain_status(chain).await? {
            Some(status) => self.report(chain, status).await.map(Some),
            None => Ok(None),
        }
    }

    /// The status of a chain's workflow; `None` if there is no such chain, also if another workflow has the id.
    pub async fn chain_status(
        &self,
        chain: &ChainId,
    ) -> Result<Option<WorkflowExecutionStatus>, TemporalError> {
        match chain.account() {
            Some(_) => self.status(chain.as_str()).await,
            None => Ok(None),
        }
    }

    /// The state of a chain whose workflow has this status.
    pub async fn report(
        &self,
        chain: &ChainId,
        status: WorkflowExecutionStatus,
    ) -> Result<ChainReport, TemporalError> {
        if status != WorkflowExecutionStatus::Running {
            return self.end_of_chain(chain).await;
        }
        self.query::<StackDependencyChainWorkflow, _>(chain.as_str(), ChainState, ())
            .await
    }

    /// The record of an open chain; `None` if it ended or was refused.
    pub async fn open_record(&self, chain: &ChainId) -> Result<Option<ChainRecord>, TemporalError> {
        let status = self.status(chain.as_str()).await?;
        let Some(status) = status.filter(|status| *status == WorkflowExecutionStatus::Running) else {
            return Ok(None);
        };
        let record = self.report(chain, status).await?.record;
        Ok(record.filter(|record| !record.is_over()))
    }

    /// Shows the state of a chain repeatedly until the chain is over.
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

    /// Waits until a run's end, or a request, was reported to the schedule. `None` if its workflow left no outcome.
    pub async fn end_of_follower(&self, workflow_id: &str) -> Result<Option<FollowOutcome>, TemporalError> {
        self.outcome_of::<SpaceliftWebhookWorkflow>(workflow_id).await
    }

    /// Waits for the outcome of a workflow. `None` if there is none: it was terminated, or it does not exist.
    async fn outcome_of<W>(&self, workflow_id: &str) -> Result<Option<W::Output>, TemporalError>
    where
        W: HasWorkflowDefinition,
    {
        let handle = self.client.get_workflow_handle::<W>(workflow_id);
        match handle.get_result(WorkflowGetResultOptions::default()).await {
            Ok(outcome) => Ok(Some(outcome)),
            // It gave up, and says why.
            Err(WorkflowGetResultError::Cancelled { details }) => Ok(details.deserialize().ok()),
            Err(error @ WorkflowGetResultError::Rpc(_)) => Err(TemporalError::new(
                format!("read the result of `{workflow_id}`"),
                error,
            )),
            Err(_) => Ok(None),
        }
    }

    /// The status of a run's follower: running, completed or failed. `None` if there is none.
    pub async fn follower_status(
        &self,
        account: &AccountName,
        run: &RunId,
    ) -> Result<Option<WorkflowExecutionStatus>, TemporalError> {
        self.status(&id::follow_run(account, run)).await
    }

    /// Waits for the end of a stack's open attempt. `None` if it left no outcome.
    pub async fn end_of_execution(
        &self,
        account: &AccountName,
        stack: &StackId,
    ) -> Result<Option<AttemptOutcome>, TemporalError> {
        self.outcome_of::<StackExecutionWorkflow>(&id::execution(account, stack))
            .await
    }

    /// Pauses, resumes, approves or cancels a chain. `false` if no such chain is open.
    pub async fn control(
        &self,
        chain: &ChainId,
        control: Control,
        ordered: impl Into<Ordered>,
    ) -> Result<bool, TemporalError> {
        let Ordered { by, reason } = ordered.into();
        let Some(account) = chain.account() else {
            return Ok(false);
        };
        if self.status(chain.as_str()).await? != Some(WorkflowExecutionStatus::Running) {
            return Ok(false);
        }
        let order = ChainOrder { control, by, reason };
        let handle = self
            .client
            .get_workflow_handle::<StackDependencyChainWorkflow>(chain.as_str());
        match handle
            .signal(OrderChain, order, WorkflowSignalOptions::default())
            .await
        {
            Ok(()) => {}
            Err(WorkflowInteractionError::NotFound(_)) => return Ok(false),
            Err(error) => return Err(TemporalError::new(format!("reach `{chain}`"), error)),
        }
        // A lost schedule would learn of the order only after the next sweep.
        if self.status(&id::schedule(&account)).await? != Some(WorkflowExecutionStatus::Running) {
            self.signal_schedule(&account, &ScheduleMessage::Wake).await?;
        }
        Ok(true)
    }

    /// Everything that is open in an account; `None` if nothing is.
    pub async fn schedule_report(
        &self,
        account: &AccountName,
    ) -> Result<Option<ScheduleReport>, TemporalError> {
        self.ask_schedule(account, ScheduleState, ()).await
    }

    /// The state of one stack, and why it waits; `None` if nothing is open in the account.
    pub async fn stack_report(
        &self,
        account: &AccountName,
        stack: &StackId,
    ) -> Result<Option<StackReport>, TemporalError> {
        self.ask_schedule(account, StackWhy, stack.clone()).await
    }

    /// `None` if the account has no schedule now.
    async fn ask_schedule<Q>(
        &self,
        account: &AccountName,
        query: Q,
        input: Q::Input,
    ) -> Result<Option<Q::Output>, TemporalError>
    where
        Q: QueryDefinition<Workflow = StackScheduleWorkflow> + Copy,
        Q::Input: Send + Clone,
    {
        let workflow_id = id::schedule(account);
        if self.status(&workflow_id).await? != Some(WorkflowExecutionStatus::Running) {
            return Ok(None);
        }
        self.query::<StackScheduleWorkflow, _>(&workflow_id, query, input)
            .await
            .map(Some)
    }

    /// Up to this many chains: open ones first, then closed ones, the latest first.
    pub async fn chains(&self, limit: usize) -> Result<Vec<ChainSummary>, TemporalError> {
        let options = WorkflowListOptions::builder().limit(limit).build();
        self.listed(ChainFilter::default().query(), options).await
    }

    /// Every chain of the task queue that Temporal still has.
    pub async fn all_chains(&self) -> Result<Vec<ChainSummary>, TemporalError> {
        let query = format!(
            "{} AND TaskQueue = '{}'",
            ChainFilter::default().query(),
            self.settings().task_queue
        );
        self.listed(query, WorkflowListOptions::default()).await
    }

    async fn listed(
        &self,
        query: String,
        options: WorkflowListOptions,
    ) -> Result<Vec<ChainSummary>, TemporalError> {
        let mut found = self.client.list_workflows(query, options);
        let mut chains = Vec::new();
        // A chain that was reset in Temporal has two histories. The open one is listed first.
        let mut listed = BTreeSet::new();
        while let Some(execution) = found.next().await {
            let execution = execution.map_err(|error| TemporalError::new("list the chains", error))?;
            let id = ChainId::of_workflow(execution.id());
            if listed.insert(id.clone()) {
                chains.push(ChainSummary {
                    id,
                    status: execution.status(),
                    started: execution.start_time(),
                    closed: execution.close_time(),
                });
            }
        }
        Ok(chains)
    }
}
