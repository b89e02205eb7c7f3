//! The open work of an account, for a schedule that has to rebuild its state.

use std::collections::BTreeSet;
use std::time::Duration;

use chain::id::parts;
use chain::{AccountName, ChainId, RunId, StackId};
use futures::StreamExt;
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::{
    ListWorkflowsStream, WorkflowExecutionStatus, WorkflowListOptions, WorkflowSignalOptions,
};

use crate::contract::FollowOutcome;
use crate::definition::{
    LookAtRun, SpaceliftWebhookWorkflow, StackDependencyChainWorkflow, StackExecutionWorkflow,
    StackScheduleWorkflow,
};
use crate::id;
use crate::{TemporalError, WorkflowClient, clock};

/// How long to wait for the outcome of a workflow that is over.
const END_TIME_MAX: Duration = Duration::from_secs(10);

pub(crate) const RUNNING: &str = "ExecutionStatus = 'Running'";

impl WorkflowClient {
    /// The open chains of an account.
    pub async fn open_chains(&self, account: &AccountName) -> Result<Vec<ChainId>, TemporalError> {
        let found = self
            .workflows(StackDependencyChainWorkflow::NAME, RUNNING)
            .await?;
        let chains = found.into_iter().map(|id| ChainId::of_workflow(&id));
        Ok(chains
            .filter(|chain| chain.account().as_ref() == Some(account))
            .collect())
    }

    /// The stacks of an account with an open attempt.
    pub async fn open_executions(&self, account: &AccountName) -> Result<Vec<StackId>, TemporalError> {
        self.executions_where(account, RUNNING).await
    }

    /// The stacks of an account with an attempt that completed since a time, each once.
    pub async fn executions_ended_since(
        &self,
        account: &AccountName,
        at_ms: i64,
    ) -> Result<BTreeSet<StackId>, TemporalError> {
        let ended = format!(
            "ExecutionStatus = 'Completed' AND CloseTime >= '{}'",
            in_query(at_ms)
        );
        let stacks = self.executions_where(account, &ended).await?;
        Ok(stacks.into_iter().collect())
    }

    async fn executions_where(
        &self,
        account: &AccountName,
        condition: &str,
    ) -> Result<Vec<StackId>, TemporalError> {
        let found = self.workflows(StackExecutionWorkflow::NAME, condition).await?;
        let stack_of = |id: String| {
            let stack: StackId = parts(&id).next_back()?.parse().ok()?;
            (id::execution(account, &stack) == id).then_some(stack)
        };
        Ok(found.into_iter().filter_map(stack_of).collect())
    }

    /// The runs of an account that have an open follower.
    pub async fn followed_runs(&self, account: &AccountName) -> Result<Vec<RunId>, TemporalError> {
        self.followers_where(account, RUNNING).await
    }

    /// Up to this many runs whose follower gave up after a time and was not started again. If there are more, each turn
    /// returns others.
    pub async fn given_up_runs(
        &self,
        account: &AccountName,
        since_ms: i64,
        runs_max: usize,
        turn: usize,
    ) -> Result<Vec<(StackId, RunId)>, TemporalError> {
        let given_up = format!(
            "ExecutionStatus = 'Canceled' AND CloseTime >= '{}'",
            in_query(since_ms)
        );
        let followed = self.followers_where(account, &given_up).await?;
        let followed: BTreeSet<RunId> = followed.into_iter().collect();
        let mut runs = Vec::new();
        for run in in_turn(followed.into_iter().collect(), runs_max, turn) {
            if runs.len() == runs_max {
                break;
            }
            if self.follower_status(account, &run).await? != Some(WorkflowExecutionStatus::Canceled) {
                continue;
            }
            // If it has just been started again, its end takes long.
            let id = id::follow_run(account, &run);
            let Ok(outcome) = tokio::time::timeout(END_TIME_MAX, self.end_of_follower(&id)).await else {
                continue;
            };
            if let Some(FollowOutcome {
                stack,
                run: Some(run),
                ..
            }) = outcome?
            {
                runs.push((stack, run));
            }
        }
        Ok(runs)
    }

    /// The runs of an account whose followers match, once for each such follower.
    async fn followers_where(
        &self,
        account: &AccountName,
        condition: &str,
    ) -> Result<Vec<RunId>, TemporalError> {
        let found = self.workflows(SpaceliftWebhookWorkflow::NAME, condition).await?;
        let run_of = |id: String| {
            let run: RunId = parts(&id).next_back()?.parse().ok()?;
            (id::follow_run(account, &run) == id).then_some(run)
        };
        Ok(found.into_iter().filter_map(run_of).collect())
    }

    /// Makes a run's follower look up the run now. If there is no open follower, nothing happens.
    pub async fn signal_look(&self, account: &AccountName, run: &RunId) -> Result<(), TemporalError> {
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

    /// The chains that began after a time, by workflow id.
    pub async fn chains_begun_since(&self, since_ms: i64) -> Result<BTreeSet<String>, TemporalError> {
        let begun = format!("StartTime >= '{}'", in_query(since_ms));
        let found = self.workflows(StackDependencyChainWorkflow::NAME, &begun).await?;
        Ok(found.into_iter().collect())
    }

    /// The followers of runs, and the requests, that are open or ended after a time, by workflow id.
    pub async fn followers_open_since(&self, since_ms: i64) -> Result<BTreeSet<String>, TemporalError> {
        let open = format!("({RUNNING} OR CloseTime >= '{}')", in_query(since_ms));
        let found = self.workflows(SpaceliftWebhookWorkflow::NAME, &open).await?;
        Ok(found.into_iter().collect())
    }

    pub(crate) async fn workflows(
        &self,
        workflow_type: &str,
        condition: &str,
    ) -> Result<Vec<String>, TemporalError> {
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

    /// The histories of the account's schedules, newest first.
    pub(crate) fn schedules(&self, account: &AccountName) -> ListWorkflowsStream {
        let query = format!(
            "WorkflowType = '{}' AND WorkflowId = '{}'",
            StackScheduleWorkflow::NAME,
            id::schedule(account).replace('\'', "''")
        );
        self.client()
            .list_workflows(query, WorkflowListOptions::default())
    }

    /// The previous schedule. `None` if there was none.
    pub async fn schedule_before(
        &self,
        account: &AccountName,
        asked_by: &str,
    ) -> Result<Option<ScheduleBefore>, TemporalError> {
        let mut found = self.schedules(account);
        while let Some(execution) = found.next().await {
            let execution =
                execution.map_err(|error| TemporalError::new("find the schedule before", error))?;
            if execution.run_id() == asked_by {
                continue;
            }
            return Ok(Some(ScheduleBefore {
                ended_by_itself: execution.status() == WorkflowExecutionStatus::Completed,
                ended_at_ms: execution.close_time().map(clock::since_1970_ms),
            }));
        }
        Ok(None)
    }
}

/// The previous schedule of an account.
#[derive(Debug, Clone, Copy)]
pub struct ScheduleBefore {
    /// It ended with nothing open.
    pub ended_by_itself: bool,
    pub ended_at_ms: Option<i64>,
}

/// Each turn begins where the previous one ended, if that one took as many as it could.
fn in_turn<T>(mut all: Vec<T>, taken: usize, turn: usize) -> Vec<T> {
    if !all.is_empty() {
        let from = turn.wrapping_mul(taken) % all.len();
        all.rotate_left(from);
    }
    all
}

/// A time in the format of queries.
fn in_query(at_ms: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at_ms).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_gets_its_turn() {
        for (number, taken) in [(0, 5), (3, 5), (5, 5), (12, 5), (137, 50)] {
            let all: Vec<usize> = (0..number).collect();
            let turns = 7_000..7_000 + number.div_ceil(taken) + 1;
            let seen: BTreeSet<usize> = turns
                .flat_map(|turn| in_turn(all.clone(), taken, turn).into_iter().take(taken))
                .collect();
            assert_eq!(seen.len(), number, "{number} runs, {taken} a turn");
        }
    }
}
