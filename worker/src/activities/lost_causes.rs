//! Finds causes that were lost with a schedule, which had received them and not yet planned them. Nothing else records
//! them.

use std::collections::BTreeSet;
use std::time::Duration;

use chain::{AccountName, ChainId, RunRequest, RunState};
use temporal_client::contract::{FollowOutcome, FollowResult, RunRequested, ScheduleMessage};
use temporal_client::{clock, id};
use temporalio_client::WorkflowExecutionStatus;
use temporalio_sdk::activities::ActivityError;
use tokio::time::Instant;

use super::Activities;
use super::sweep::LOOK_BACK_MAX;
use crate::failure::{activity_error, temporal_error};

/// How long to wait for all open requests together. One that has reached the schedule ends at once; one that has not
/// will reach the next schedule by itself.
const REQUESTS_TIME_MAX: Duration = Duration::from_secs(5);

impl Activities {
    /// Reports causes that no chain records to the schedule again.
    pub(super) async fn report_lost_causes(&self, account: &AccountName) -> Result<(), ActivityError> {
        let since_ms = clock::now_ms() - clock::milliseconds(LOOK_BACK_MAX);
        // Includes open ones: they may have signalled the schedule and not know it yet.
        let followers = self
            .workflows
            .followers_begun_since(since_ms)
            .await
            .map_err(temporal_error)?;
        // Listed after the followers, so that chains that began in the meantime are found.
        let chains = self
            .workflows
            .chains_begun_since(since_ms)
            .await
            .map_err(temporal_error)?;
        self.report_lost_roots(account, since_ms, &followers, &chains)
            .await?;
        self.report_lost_requests(account, &followers, &chains).await
    }

    async fn report_lost_roots(
        &self,
        account: &AccountName,
        since_ms: i64,
        followers: &BTreeSet<String>,
        chains: &BTreeSet<String>,
    ) -> Result<(), ActivityError> {
        let since = self
            .spacelift
            .runs_since(since_ms / 1000)
            .await
            .map_err(activity_error)?;
        // The oldest first, in their original order.
        for found in since.runs.into_iter().rev() {
            let run = found.run.into_facts(self.spacelift.key_id());
            let chain = ChainId::of_root_run(account, &run.id);
            let is_root = run.is_tracked() && run.state == RunState::Finished && !run.ours;
            let follower = id::follow_run(account, &run.id);
            if is_root && followers.contains(&follower) && !chains.contains(chain.as_str()) {
                let stack = found.stack;
                self.signal_schedule(account, ScheduleMessage::RunEnded { stack, run })
                    .await?;
            }
        }
        Ok(())
    }

    async fn report_lost_requests(
        &self,
        account: &AccountName,
        followers: &BTreeSet<String>,
        chains: &BTreeSet<String>,
    ) -> Result<(), ActivityError> {
        let until = Instant::now() + REQUESTS_TIME_MAX;
        for workflow in followers.iter().filter(|id| id::is_request(account, id)) {
            let Some(outcome) = self.outcome_of_request(workflow, until).await? else {
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
            if let Some(retry) = retry {
                self.request_retry(&retry).await?;
            } else {
                let request = RunRequest {
                    account: Some(account.clone()),
                    stack: outcome.stack,
                    request_id: None,
                    requested_by: by,
                    follow,
                };
                let account = account.clone();
                self.request(&RunRequested {
                    account,
                    chain,
                    request,
                })
                .await?;
            }
        }
        Ok(())
    }

    /// `None` if a request has not reached the schedule: it was terminated, or is still open.
    async fn outcome_of_request(
        &self,
        workflow: &str,
        until: Instant,
    ) -> Result<Option<FollowOutcome>, ActivityError> {
        let status = self.workflows.status(workflow).await.map_err(temporal_error)?;
        let outcome = self.workflows.end_of_request(workflow);
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
