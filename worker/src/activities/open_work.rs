//! Finds what is open, for a schedule that was lost or begins.

use std::collections::BTreeSet;
use std::time::Duration;

use chain::schedule::CONFLICT_LASTS_S;
use chain::{AccountName, AttemptOutcome, ChainRecord, RunFacts, RunId, StackId, StackState};
use futures::{StreamExt, TryStreamExt, stream};
use temporal_client::contract::{Halt, OpenChains, OpenWork, OpenWorkRequest, ScheduleMessage};
use temporal_client::{LostSchedules, clock};
use temporalio_sdk::activities::ActivityError;
use tracing::warn;

use super::Activities;
use super::limits::{LOOK_BACK_MAX, with_timeout};
use super::open_chains;
use crate::failure::{activity_error, temporal_error};
use crate::metrics::{self, Alarm};

/// Records get the beginnings of runs in batches, up to two seconds late; under load, later.
const RECORDS_LAG: Duration = Duration::from_secs(30);
/// How far back to look for runs that ended and were not reported yet. The sweep finds older ones.
const UNREPORTED_LOOK_BACK: Duration = Duration::from_secs(3600);
/// How many workflows are queried concurrently.
pub(super) const CONCURRENT_QUERIES: usize = 8;

impl Activities {
    pub(super) async fn open_work(&self, request: &OpenWorkRequest) -> Result<OpenWork, ActivityError> {
        let account = &request.account;
        let before = self
            .workflows
            .schedule_before(account, &request.asked_by)
            .await
            .map_err(temporal_error)?;
        let clean = !request.lost && before.as_ref().is_none_or(|before| before.ended_by_itself);
        // Executions first: one that ends during the other reads has signalled nothing, but its run is found below.
        let executions = self
            .workflows
            .open_executions(account)
            .await
            .map_err(temporal_error)?;
        let ended_executions = if clean {
            Vec::new()
        } else {
            let lost_at_ms = before
                .as_ref()
                .filter(|_| !request.lost)
                .and_then(|before| before.ended_at_ms);
            let since_ms = lost_at_ms.unwrap_or_else(clock::now_ms) - clock::milliseconds(RECORDS_LAG);
            self.ended_executions(account, since_ms, &executions).await?
        };
        let chains = self
            .workflows
            .open_chains(account)
            .await
            .map_err(temporal_error)?;
        let chains = self.records_of(chains).await;
        // Also if nothing else is open: the next root may be running already.
        let mut runs = self.open_runs(&chains).await?;
        let mut lost = Vec::new();
        let mut histories = LostSchedules::default();
        if clean {
            runs.extend(self.unreported_ends(account, &runs, &request.reported).await?);
        } else {
            histories = self.histories(request).await?;
            // This includes the unreported ends of roots.
            lost = self.lost_causes(account, histories.planned_until_ms).await?;
            // Orders to chains are in their records, which may have newer ones.
            let unread = std::mem::take(&mut histories.unread).into_iter();
            lost.extend(unread.filter(|message| {
                !matches!(
                    message,
                    ScheduleMessage::Rebuild | ScheduleMessage::Wake | ScheduleMessage::Controlled { .. }
                )
            }));
        }
        let halt = self.halt(account).await?;
        let OpenChains { records, unread } = open_chains::within_limit(chains);
        Ok(OpenWork {
            chains: records,
            unread_chains: unread,
            executions,
            ended_executions,
            lost,
            runs,
            halted_by: halt.as_ref().map(|halt| halt.by.clone()),
            halt_reason: halt.and_then(|halt| halt.reason),
            conflicts: histories.conflicts,
            conflict_excused_s: histories.resumed_at_ms.unwrap_or(0) / 1000,
            clean,
            now_s: clock::now_ms() / 1000,
            settings: self.workflows.settings().schedule(),
        })
    }

    /// What a lost schedule had received, the orders of people for example.
    async fn histories(&self, request: &OpenWorkRequest) -> Result<LostSchedules, ActivityError> {
        let now_ms = clock::now_ms();
        let causes_since_ms = now_ms - clock::milliseconds(LOOK_BACK_MAX);
        let conflicts_since_ms = now_ms - CONFLICT_LASTS_S * 1000;
        let histories = self
            .workflows
            .lost_schedules(request, causes_since_ms, conflicts_since_ms)
            .await
            .map_err(temporal_error)?;
        for message in &histories.unreadable {
            metrics::alarm(Alarm::MessageDropped);
            warn!(
                workflow.run_id = message.workflow_run_id,
                event.id = message.event_id,
                "A message that a lost schedule of {} had not read cannot be read, and is dropped: {}",
                request.account,
                message.reason
            );
        }
        Ok(histories)
    }

    /// The halt of the account, unless it is being lifted. It is halted all the same if the name cannot be read.
    async fn halt(&self, account: &AccountName) -> Result<Option<Halt>, ActivityError> {
        if !self.workflows.is_halted(account).await.map_err(temporal_error)? {
            return Ok(None);
        }
        let halt = with_timeout(self.workflows.halt_of(account)).await;
        Ok(halt.unwrap_or_else(|_| {
            Some(Halt {
                by: "a person".to_owned(),
                reason: None,
            })
        }))
    }

    /// The outcomes of attempts that ended since a time.
    async fn ended_executions(
        &self,
        account: &AccountName,
        since_ms: i64,
        open: &[StackId],
    ) -> Result<Vec<(StackId, AttemptOutcome)>, ActivityError> {
        let ended = self
            .workflows
            .executions_ended_since(account, since_ms)
            .await
            .map_err(temporal_error)?;
        stream::iter(ended.into_iter().filter(|stack| !open.contains(stack)))
            .map(async |stack| {
                let outcome = self.workflows.end_of_execution(account, &stack).await?;
                Ok(outcome.map(|outcome| (stack, outcome)))
            })
            .buffered(CONCURRENT_QUERIES)
            .filter_map(async |ended| ended.transpose())
            .try_collect()
            .await
            .map_err(temporal_error)
    }

    /// The tracked runs that are not over, and those that are over although a chain's record says that they are
    /// running.
    async fn open_runs(&self, chains: &[ChainRecord]) -> Result<Vec<(StackId, RunFacts)>, ActivityError> {
        let open = self.unfinished_runs().await?;
        let mut runs: Vec<(StackId, RunFacts)> = open
            .into_iter()
            .map(|found| (found.stack, found.run.into_facts(self.spacelift.key_id())))
            .filter(|(_, run)| run.is_tracked())
            .collect();
        let known: Vec<RunId> = runs.iter().map(|(_, run)| run.id.clone()).collect();
        runs.extend(self.runs_recorded_as_running(chains, &known).await?);
        Ok(runs)
    }

    /// The runs that have ended and whose followers have not reported it yet. Without them, the first of two roots that
    /// end together would not wait for the second.
    async fn unreported_ends(
        &self,
        account: &AccountName,
        known: &[(StackId, RunFacts)],
        reported: &[RunId],
    ) -> Result<Vec<(StackId, RunFacts)>, ActivityError> {
        let followed = self.workflows.followed_runs(account).await;
        let mut followed: BTreeSet<RunId> = followed.map_err(temporal_error)?.into_iter().collect();
        for run in known.iter().map(|(_, run)| &run.id).chain(reported) {
            followed.remove(run);
        }
        if followed.is_empty() {
            return Ok(Vec::new());
        }
        let since_s = (clock::now_ms() - clock::milliseconds(UNREPORTED_LOOK_BACK)) / 1000;
        let since = self.spacelift.runs_since(since_s).await.map_err(activity_error)?;
        // The oldest first.
        let recent = since.runs.into_iter().rev();
        let followed = recent.filter(|found| followed.contains(&found.run.id));
        let runs = followed.map(|found| (found.stack, found.run.into_facts(self.spacelift.key_id())));
        Ok(runs
            .filter(|(_, run)| run.is_tracked() && run.state.is_terminal() && !run.ours)
            .collect())
    }

    /// The runs that are running according to the records, without the known ones.
    pub(super) async fn runs_recorded_as_running(
        &self,
        chains: &[ChainRecord],
        known: &[RunId],
    ) -> Result<Vec<(StackId, RunFacts)>, ActivityError> {
        let known: BTreeSet<&RunId> = known.iter().collect();
        let progress = chains.iter().flat_map(ChainRecord::progress);
        let running: BTreeSet<_> = progress
            .filter(|stack| stack.state == StackState::Running)
            .filter_map(|stack| Some((stack.id.clone(), stack.run.clone()?)))
            .filter(|(_, run)| !known.contains(run))
            .collect();
        let mut runs = Vec::new();
        for (stack, run) in running {
            let found = self.spacelift.run(&stack, &run).await.map_err(activity_error)?;
            runs.extend(found.map(|run| (stack, run.into_facts(self.spacelift.key_id()))));
        }
        Ok(runs)
    }
}
