//! Looks up runs, and signals the schedule.

use chain::follow::{self, IgnoredBecause};
use chain::metadata;
use chain::{AccountName, Root, RunFacts, StackFacts};
use spacelift::FoundRun;
use temporal_client::contract::{FollowResult, RunLook, RunLookRequest, RunRequested, ScheduleMessage};
use temporal_client::{clock, id};
use temporalio_sdk::activities::ActivityError;
use tracing::warn;

use super::Activities;
use crate::failure::{activity_error, temporal_error};

impl Activities {
    pub(super) async fn look(&self, request: &RunLookRequest) -> Result<RunLook, ActivityError> {
        let ours = self.account().await?;
        if *ours != request.account {
            return Ok(RunLook::OtherAccount { ours: ours.clone() });
        }
        let run = self
            .spacelift
            .run(&request.stack, &request.run)
            .await
            .map_err(activity_error)?;
        let Some(run) = run else {
            if request.give_up {
                self.report_gone(request).await?;
            }
            return Ok(RunLook::Unknown);
        };
        let mut facts = run.into_facts(self.spacelift.key_id());
        facts.reported_at_ms = request.reported_at_ms;
        if facts.ours {
            let namespace = self.workflows.namespace().await.map_err(temporal_error)?;
            facts.other_spillway = metadata::other_namespace(&request.metadata, &namespace);
        }
        let (stack, run) = (request.stack.clone(), facts.clone());
        if self.is_late(request, &facts).await? {
            warn!(
                stack.id = %stack, run.id = %facts.id,
                "The run ended more than a day before it was reported, so it starts no chain. If its dependents have to run, \
                 use `spillway chain start {stack}`"
            );
            return Ok(RunLook::Late);
        }
        if !facts.is_tracked() {
            // It starts no chain, and nothing waits for it.
            self.order_impact(&request.account, &request.stack, &facts)
                .await?;
        } else if facts.state.is_terminal() {
            self.signal_schedule(&request.account, ScheduleMessage::RunEnded { stack, run })
                .await?;
        } else if follow::changes_a_decision(&facts, request.reported.as_ref()) {
            self.signal_schedule(&request.account, ScheduleMessage::RunMoved { stack, run })
                .await?;
        }
        if request.reported.as_ref() != Some(&facts.state) {
            self.order_run_notices(&request.account, &request.stack, &facts)
                .await?;
        }
        Ok(RunLook::Run {
            facts: Box::new(facts),
        })
    }

    /// Anyone who saw a report that a run is over can send it again. After some days Temporal knows neither the first report nor
    /// the chain, and everything would run again.
    async fn is_late(&self, request: &RunLookRequest, run: &RunFacts) -> Result<bool, ActivityError> {
        let may_be_repeated =
            request.reported.is_none() && run.state.is_terminal() && request.reported_from_outside;
        if !may_be_repeated || !follow::is_reported_late(run.changed_at_s, clock::now_ms()) {
            return Ok(false);
        }
        // Perhaps it was reported in time, and there was no worker.
        let follower = id::follow_run(&request.account, &request.run);
        let reported_ms = self.workflows.began_ms(&follower).await.map_err(temporal_error)?;
        Ok(reported_ms.is_some_and(|reported_ms| follow::is_reported_late(run.changed_at_s, reported_ms)))
    }

    /// Reports the end of a run that Spacelift has not shown for a long time, so that nothing waits for it any more.
    async fn report_gone(&self, request: &RunLookRequest) -> Result<(), ActivityError> {
        let (stack, id) = (&request.stack, &request.run);
        warn!(
            stack.id = %stack, run.id = %id,
            "Spacelift does not show run {id} of `{stack}` any more: it counts as cancelled"
        );
        let message = ScheduleMessage::RunEnded {
            stack: stack.clone(),
            run: RunFacts::gone(id.clone(), clock::now_ms() / 1000),
        };
        self.signal_schedule(&request.account, message).await
    }

    pub(super) async fn request(&self, requested: &RunRequested) -> Result<FollowResult, ActivityError> {
        let message = self.message_of_request(requested).await?;
        let passed_on = FollowResult::Requested {
            chain: requested.chain.clone(),
            by: requested.request.requested_by.clone(),
            follow: requested.request.follow,
            retry: None,
        };
        self.pass_on(&requested.account, message, passed_on).await
    }

    /// Passes a request to the schedule, unless there is a reason to ignore it.
    pub(super) async fn pass_on(
        &self,
        account: &AccountName,
        message: Result<ScheduleMessage, IgnoredBecause>,
        passed_on: FollowResult,
    ) -> Result<FollowResult, ActivityError> {
        match message {
            Ok(message) => {
                self.signal_schedule(account, message).await?;
                Ok(passed_on)
            }
            Err(reason) => Ok(FollowResult::Ignored { reason }),
        }
    }

    /// What is reported to the schedule of a request, or why it is ignored.
    pub(super) async fn message_of_request(
        &self,
        requested: &RunRequested,
    ) -> Result<Result<ScheduleMessage, IgnoredBecause>, ActivityError> {
        if let Err(other) = follow::check_account(&requested.account, self.account().await?) {
            return Ok(Err(other));
        }
        let id = &requested.request.stack;
        let facts = self.spacelift.stack(id).await.map_err(activity_error)?;
        let facts = match follow::requested_stack(id, facts.map(StackFacts::from)) {
            Ok(facts) => facts,
            Err(why) => return Ok(Err(why)),
        };
        Ok(Ok(ScheduleMessage::Requested {
            chain: requested.chain.clone(),
            root: Root {
                ended_at_s: Some(clock::now_ms() / 1000),
                follow: requested.request.follow,
                ..Root::requested(requested.account.clone(), id.clone(), facts.branch)
            },
            by: requested.request.requested_by.clone(),
            only: None,
        }))
    }

    pub(super) async fn signal_schedule(
        &self,
        account: &AccountName,
        message: ScheduleMessage,
    ) -> Result<(), ActivityError> {
        self.workflows
            .signal_schedule(account, &message)
            .await
            .map_err(temporal_error)
    }
}

/// The most unfinished runs that are read: more than any account has workers for.
const UNFINISHED_RUNS_MAX: usize = 5_000;

impl Activities {
    /// The unfinished runs of all stacks and types.
    pub(super) async fn unfinished_runs(&self) -> Result<Vec<FoundRun>, ActivityError> {
        self.spacelift
            .open_runs(UNFINISHED_RUNS_MAX)
            .await
            .map_err(activity_error)
    }
}
