//! What is open, for a schedule that was lost or begins.

use std::collections::BTreeSet;

use chain::{AccountName, ChainId, ChainRecord, RunFacts, RunRequest, RunState, StackId, StackState};
use orchestrator::contract::{FollowResult, OpenWork, OpenWorkRequest, ScheduleMessage};
use orchestrator::{clock, id};
use temporalio_sdk::activities::ActivityError;

use super::Activities;
use super::run::{RunRequested, facts};
use super::sweep::LOOKS_BACK;
use crate::failure::{activity_error, temporal_error};

impl Activities {
    pub(super) async fn open_work(&self, request: &OpenWorkRequest) -> Result<OpenWork, ActivityError> {
        let account = &request.account;
        let clean = !request.lost
            && self
                .orchestrator
                .ended_cleanly(account, &request.asked_by)
                .await
                .map_err(temporal_error)?;
        // Executions first: what ends while the rest is read has told nobody, and its run is found below.
        let executions = self
            .orchestrator
            .open_executions(account)
            .await
            .map_err(temporal_error)?;
        let mut chains = Vec::new();
        for chain in self
            .orchestrator
            .open_chains(account)
            .await
            .map_err(temporal_error)?
        {
            let report = self.orchestrator.chain(&chain).await.map_err(temporal_error)?;
            let record = report.and_then(|report| report.record);
            chains.extend(record.filter(|record| !record.is_over()));
        }
        // Where nothing else is open, too: the next root may be under way already.
        let runs = self.open_runs(&chains).await?;
        if !clean {
            self.tell_lost_causes(account).await?;
        }
        let halted = self
            .orchestrator
            .is_halted(account)
            .await
            .map_err(temporal_error)?;
        Ok(OpenWork {
            chains,
            executions,
            runs,
            halted_by: halted.then(|| "a person".to_owned()),
            clean,
            now_s: clock::now_ms() / 1000,
            settings: self.orchestrator.settings().schedule(),
        })
    }

    /// Causes of which the schedule was told, and which it had not planned when it was lost: nobody else knows of them.
    async fn tell_lost_causes(&self, account: &AccountName) -> Result<(), ActivityError> {
        let since_ms = clock::now_ms() - clock::milliseconds(LOOKS_BACK);
        // Also those that have not ended: they may have told, and not know it yet.
        let followers = self
            .orchestrator
            .followers_begun_since(since_ms)
            .await
            .map_err(temporal_error)?;
        // After the followers, so that what began meanwhile is found.
        let chains = self
            .orchestrator
            .chains_begun_since(since_ms)
            .await
            .map_err(temporal_error)?;
        let since = self
            .spacelift
            .runs_since(since_ms / 1000)
            .await
            .map_err(activity_error)?;
        // The oldest first, as they came.
        for found in since.runs.into_iter().rev() {
            let run = facts(&self.spacelift, found.run);
            let chain = ChainId::of_root_run(account, &run.id);
            let is_root = run.is_tracked() && run.state == RunState::Finished && !run.ours;
            let follower = id::follow_run(account, &run.id);
            if is_root && followers.contains(&follower) && !chains.contains(chain.as_str()) {
                let stack = found.stack;
                self.tell(account, ScheduleMessage::RunEnded { stack, run })
                    .await?;
            }
        }
        for workflow in followers.iter().filter(|id| id::is_request(account, id)) {
            let outcome = self
                .orchestrator
                .end_of_request(workflow)
                .await
                .map_err(temporal_error)?;
            let FollowResult::Requested { chain, by } = outcome.result else {
                continue;
            };
            if !chains.contains(chain.as_str()) {
                let request = RunRequest {
                    account: Some(account.clone()),
                    stack: outcome.stack,
                    request_id: None,
                    requested_by: by,
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

    /// The tracked runs that are not over, and those that a chain takes for running and that are over.
    async fn open_runs(&self, chains: &[ChainRecord]) -> Result<Vec<(StackId, RunFacts)>, ActivityError> {
        let open = self.runs_under_way().await?;
        let mut runs: Vec<(StackId, RunFacts)> = open
            .into_iter()
            .map(|found| (found.stack, facts(&self.spacelift, found.run)))
            .filter(|(_, run)| run.is_tracked())
            .collect();
        let known: BTreeSet<_> = runs.iter().map(|(_, run)| run.id.clone()).collect();
        let progress = chains.iter().flat_map(ChainRecord::progress);
        let running: BTreeSet<_> = progress
            .filter(|stack| stack.state == StackState::Running)
            .filter_map(|stack| Some((stack.id.clone(), stack.run.clone()?)))
            .filter(|(_, run)| !known.contains(run))
            .collect();
        for (stack, run) in running {
            let found = self.spacelift.run(&stack, &run).await.map_err(activity_error)?;
            runs.extend(found.map(|run| (stack, facts(&self.spacelift, run))));
        }
        Ok(runs)
    }
}
