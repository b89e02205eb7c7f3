//! Looks up runs, and signals the schedule.

use chain::metadata;
use chain::{AccountName, Root, RunFacts, RunState, StackPolicy};
use spacelift::FoundRun;
use temporal_client::clock;
use temporal_client::contract::{FollowResult, RunLook, RunLookRequest, RunRequested, ScheduleMessage};
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
        if !facts.is_tracked() {
            // It starts no chain, and nothing waits for it.
            self.order_impact(&request.account, &request.stack, &facts)
                .await?;
        } else if facts.state.is_terminal() {
            self.signal_schedule(&request.account, ScheduleMessage::RunEnded { stack, run })
                .await?;
        } else if request.reported.as_ref() != Some(&facts.state) && changes_a_decision(&facts, request) {
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
        message: Result<ScheduleMessage, String>,
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
    ) -> Result<Result<ScheduleMessage, String>, ActivityError> {
        if let Some(reason) = self.other_account(&requested.account).await? {
            return Ok(Err(reason));
        }
        let stack = &requested.request.stack;
        let Some(facts) = self.spacelift.stack(stack).await.map_err(activity_error)? else {
            return Ok(Err(format!("there is no stack `{stack}` that our key can see")));
        };
        if StackPolicy::of(&facts.labels).0.ignore {
            return Ok(Err(format!(
                "the label `spillway:ignore=true` of the stack `{stack}` says that it never runs"
            )));
        }
        if facts.is_disabled {
            return Ok(Err(format!("the stack `{stack}` is disabled")));
        }
        Ok(Ok(ScheduleMessage::Requested {
            chain: requested.chain.clone(),
            root: Root {
                ended_at_s: Some(clock::now_ms() / 1000),
                follow: requested.request.follow,
                ..Root::requested(requested.account.clone(), stack.clone(), facts.branch)
            },
            by: requested.request.requested_by.clone(),
            only: None,
        }))
    }

    /// Why a request for this account is ignored, if our key belongs to another one.
    pub(super) async fn other_account(&self, account: &AccountName) -> Result<Option<String>, ActivityError> {
        let ours = self.account().await?;
        Ok((ours != account).then(|| format!("our key belongs to the account `{ours}`, not to `{account}`")))
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

/// Whether the schedule needs this state: the run waits or waited for a person or a worker, applies, or another Spillway
/// made it.
fn changes_a_decision(facts: &RunFacts, request: &RunLookRequest) -> bool {
    let waited = request
        .reported
        .as_ref()
        .and_then(chain::attempt::waits_for_person)
        .is_some();
    // The schedule frees the slot of a run that waits too long for a worker: it has to know that this one works now.
    let was_ready = request.reported == Some(RunState::Ready);
    waited
        || was_ready
        || facts.waits_for_person().is_some()
        || facts.state == RunState::Ready
        || facts.state == RunState::Applying
        || facts.other_spillway.is_some()
}

/// The most unfinished runs that are read: more than any account has workers for.
const UNFINISHED_RUNS_MAX: usize = 5_000;

impl Activities {
    /// The unfinished runs of all stacks and types.
    pub(super) async fn unfinished_runs(&self) -> Result<Vec<FoundRun>, ActivityError> {
        let states: Vec<RunState> = RunState::ALL
            .iter()
            .filter(|state| !state.is_terminal() && **state != RunState::None)
            .cloned()
            .collect();
        self.spacelift
            .search_runs(&states, UNFINISHED_RUNS_MAX)
            .await
            .map_err(activity_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_reported(before: Option<&str>, state: &str) -> bool {
        let facts = RunFacts {
            state: RunState::from(state),
            gone: false,
            ..RunFacts::gone("01J".parse().unwrap(), 0)
        };
        let request = RunLookRequest {
            account: "acme".parse().unwrap(),
            stack: "network".parse().unwrap(),
            run: facts.id.clone(),
            reported: before.map(RunState::from),
            metadata: Vec::new(),
            reported_at_ms: None,
            give_up: false,
        };
        changes_a_decision(&facts, &request)
    }

    #[test]
    fn the_schedule_hears_of_states_that_change_what_it_decides() {
        for state in ["UNCONFIRMED", "PENDING_REVIEW", "READY", "APPLYING"] {
            assert!(is_reported(None, state), "{state}");
        }
        for state in ["QUEUED", "PREPARING", "PLANNING"] {
            assert!(!is_reported(None, state), "{state}");
            assert!(!is_reported(Some("QUEUED"), state), "{state}");
            assert!(
                is_reported(Some("READY"), state),
                "{state} after READY: it takes a slot again"
            );
            assert!(
                is_reported(Some("UNCONFIRMED"), state),
                "{state} after a confirmation"
            );
        }
    }
}
