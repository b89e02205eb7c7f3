//! Finds causes that were lost with a schedule, which had received them and not yet planned them. Nothing else records
//! them.

use std::collections::BTreeSet;
use std::time::Duration;

use chain::{AccountName, ChainId, RunFacts, RunRequest, RunState, StackId};
use temporal_client::contract::{FollowOutcome, FollowResult, RunRequested, ScheduleMessage};
use temporal_client::{clock, id};
use temporalio_client::WorkflowExecutionStatus;
use temporalio_sdk::activities::ActivityError;
use tokio::time::Instant;

use super::Activities;
use super::limits::LOOK_BACK_MAX;
use crate::failure::{activity_error, temporal_error};

/// How long to wait for all open followers together. One that has reached the schedule ends at once; one that has not
/// will reach the next schedule by itself.
const FOLLOWERS_TIME_MAX: Duration = Duration::from_secs(5);

impl Activities {
    /// The messages about causes that no chain records. What the lost schedule had planned and has no chain had nothing to
    /// do: it must not start one now, even if a label has changed since.
    pub(super) async fn lost_causes(
        &self,
        account: &AccountName,
        planned_until_ms: Option<i64>,
    ) -> Result<Vec<ScheduleMessage>, ActivityError> {
        let look_back_ms = clock::now_ms() - clock::milliseconds(LOOK_BACK_MAX);
        let since_ms = planned_until_ms.map_or(look_back_ms, |planned_ms| planned_ms.max(look_back_ms));
        // Includes open ones: they may have signalled the schedule and not know it yet.
        let followers = self
            .workflows
            .followers_open_since(since_ms)
            .await
            .map_err(temporal_error)?;
        // Listed after the followers, so that chains that began in the meantime are found.
        let chains = self
            .workflows
            .chains_begun_since(since_ms)
            .await
            .map_err(temporal_error)?;
        let since = self
            .spacelift
            .runs_since(since_ms / 1000)
            .await
            .map_err(activity_error)?;
        let until = Instant::now() + FOLLOWERS_TIME_MAX;
        // The oldest first, in their original order.
        let recent = since.runs.into_iter().rev();
        let recent: Vec<(StackId, RunFacts)> = recent
            .map(|found| (found.stack, found.run.into_facts(self.spacelift.key_id())))
            .collect();
        let older = self.older_roots(account, &recent, &followers, until).await?;
        let mut lost = Vec::new();
        for (stack, run) in older.into_iter().chain(recent) {
            let chain = ChainId::of_root_run(account, &run.id);
            let is_root = run.is_tracked() && run.state == RunState::Finished && !run.ours;
            let follower = id::follow_run(account, &run.id);
            if is_root && followers.contains(&follower) && !chains.contains(chain.as_str()) {
                lost.push(ScheduleMessage::RunEnded { stack, run });
            }
        }
        lost.extend(self.lost_requests(account, &followers, &chains, until).await?);
        Ok(lost)
    }

    /// Runs that were created before that time and finished after it, for example because they waited for a person.
    async fn older_roots(
        &self,
        account: &AccountName,
        recent: &[(StackId, RunFacts)],
        followers: &BTreeSet<String>,
        until: Instant,
    ) -> Result<Vec<(StackId, RunFacts)>, ActivityError> {
        let recent: BTreeSet<String> = recent
            .iter()
            .map(|(_, run)| id::follow_run(account, &run.id))
            .collect();
        let runs = id::runs_of(account);
        let older = followers
            .difference(&recent)
            .filter(|follower| follower.starts_with(&runs));
        let mut roots = Vec::new();
        for follower in older {
            let Some(outcome) = self.outcome_of_follower(follower, until).await? else {
                continue;
            };
            if let (Some(RunState::Finished), Some(run)) = (&outcome.state, &outcome.run) {
                let found = self.spacelift.run(&outcome.stack, run).await;
                let found = found.map_err(activity_error)?;
                roots.extend(found.map(|run| (outcome.stack, run.into_facts(self.spacelift.key_id()))));
            }
        }
        Ok(roots)
    }

    async fn lost_requests(
        &self,
        account: &AccountName,
        followers: &BTreeSet<String>,
        chains: &BTreeSet<String>,
        until: Instant,
    ) -> Result<Vec<ScheduleMessage>, ActivityError> {
        let mut lost = Vec::new();
        for workflow in followers.iter().filter(|id| id::is_request(account, id)) {
            let Some(outcome) = self.outcome_of_follower(workflow, until).await? else {
                continue;
            };
            let FollowResult::Requested {
                chain,
                by,
                follow,
                retry,
            } = outcome.result
            else {
                continue;
            };
            if chains.contains(chain.as_str()) {
                continue;
            }
            let message = if let Some(retry) = retry {
                self.message_of_retry(&retry).await?
            } else {
                let request = RunRequest {
                    account: Some(account.clone()),
                    stack: outcome.stack,
                    request_id: None,
                    requested_by: by,
                    follow,
                };
                let account = account.clone();
                self.message_of_request(&RunRequested {
                    account,
                    chain,
                    request,
                })
                .await?
            };
            lost.extend(message.ok());
        }
        Ok(lost)
    }

    /// `None` if a run or request was not reported to the schedule: its workflow was terminated, or is still open.
    async fn outcome_of_follower(
        &self,
        workflow: &str,
        until: Instant,
    ) -> Result<Option<FollowOutcome>, ActivityError> {
        let status = self.workflows.status(workflow).await.map_err(temporal_error)?;
        let outcome = self.workflows.end_of_follower(workflow);
        match status {
            Some(WorkflowExecutionStatus::Completed) => outcome.await.map_err(temporal_error),
            Some(WorkflowExecutionStatus::Running) => {
                let Ok(outcome) = tokio::time::timeout_at(until, outcome).await else {
                    return Ok(None);
                };
                outcome.map_err(temporal_error)
            }
            _ => Ok(None),
        }
    }
}
