//! Looking at runs, and telling the schedule.

use chain::{AccountName, ChainId, Commit, Root, RunFacts, RunRequest, RunState};
use orchestrator::clock;
use orchestrator::contract::{FollowResult, RunLook, RunLookRequest, ScheduleMessage};
use serde::{Deserialize, Serialize};
use spacelift::{FoundRun, Run, Spacelift};
use temporalio_sdk::activities::ActivityError;

use super::Activities;
use crate::failure::{activity_error, temporal_error};

/// A request for a run, on its way to the schedule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRequested {
    pub account: AccountName,
    pub chain: ChainId,
    pub request: RunRequest,
}

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
            return Ok(RunLook::Unknown);
        };
        let facts = facts(&self.spacelift, run);
        let (stack, run) = (request.stack.clone(), facts.clone());
        if facts.state.is_terminal() {
            self.tell(&request.account, ScheduleMessage::RunEnded { stack, run })
                .await?;
        } else if request.told.as_ref() != Some(&facts.state) && changes_a_decision(&facts, request) {
            self.tell(&request.account, ScheduleMessage::RunMoved { stack, run })
                .await?;
        }
        Ok(RunLook::Run {
            facts: Box::new(facts),
        })
    }

    pub(super) async fn request(&self, requested: &RunRequested) -> Result<FollowResult, ActivityError> {
        let ours = self.account().await?;
        if *ours != requested.account {
            return Ok(FollowResult::Ignored {
                reason: format!(
                    "our key belongs to the account `{ours}`, not to `{}`",
                    requested.account
                ),
            });
        }
        let stack = &requested.request.stack;
        let Some(facts) = self.spacelift.stack(stack).await.map_err(activity_error)? else {
            return Ok(FollowResult::Ignored {
                reason: format!("there is no stack `{stack}` that our key may see"),
            });
        };
        if facts.is_disabled {
            return Ok(FollowResult::Ignored {
                reason: format!("the stack `{stack}` is disabled"),
            });
        }
        let message = ScheduleMessage::Requested {
            chain: requested.chain.clone(),
            root: Root {
                ended_at_s: Some(clock::now_ms() / 1000),
                ..Root::requested(requested.account.clone(), stack.clone(), facts.branch)
            },
            by: requested.request.requested_by.clone(),
        };
        self.tell(&requested.account, message).await?;
        Ok(FollowResult::Requested {
            chain: requested.chain.clone(),
            by: requested.request.requested_by.clone(),
        })
    }

    pub(super) async fn tell(
        &self,
        account: &AccountName,
        message: ScheduleMessage,
    ) -> Result<(), ActivityError> {
        self.orchestrator
            .tell_schedule(account, &message)
            .await
            .map_err(temporal_error)
    }
}

/// Whether the schedule has to know what the run does: that it waits for a person, or no longer, or for a worker.
fn changes_a_decision(facts: &RunFacts, request: &RunLookRequest) -> bool {
    let waited = request
        .told
        .as_ref()
        .and_then(chain::attempt::waits_for_person)
        .is_some();
    waited
        || facts.waits_for_person().is_some()
        || facts.state == RunState::Ready
        || facts.state == RunState::Applying
}

/// How many runs that are not over are read: more than any account has workers for.
const OPEN_RUNS_MAX: usize = 5_000;

impl Activities {
    /// The runs of all stacks that are not over, of any type.
    pub(super) async fn runs_under_way(&self) -> Result<Vec<FoundRun>, ActivityError> {
        let states: Vec<RunState> = RunState::ALL
            .iter()
            .filter(|state| !state.is_terminal() && **state != RunState::None)
            .cloned()
            .collect();
        self.spacelift
            .search_runs(&states, OPEN_RUNS_MAX)
            .await
            .map_err(activity_error)
    }
}

/// What a run says, in the words of the schedule.
pub(super) fn facts(spacelift: &Spacelift, run: Run) -> RunFacts {
    let reached = |state: &RunState| run.history.iter().rev().find(|entry| entry.state == *state);
    let ours = run
        .triggered_by
        .as_deref()
        .is_some_and(|by| is_key(by, spacelift.key_id()));
    RunFacts {
        ours,
        began_at_s: reached(&RunState::Preparing).map(|entry| entry.timestamp),
        planned: reached(&RunState::Planning).is_some(),
        partial: reached(&RunState::ReplanRequested).is_some(),
        changed_at_s: run
            .history
            .first()
            .map_or(run.updated_at, |latest| latest.timestamp),
        created_at_s: run.created_at,
        drift_detection: run.drift_detection,
        commit: run.commit.sha.map(|sha| Commit::new(sha, run.commit.timestamp)),
        id: run.id,
        run_type: run.run_type,
        state: run.state,
        branch: run.branch,
        triggered_by: run.triggered_by,
    }
}

/// Whether a run was triggered with this API key. Spacelift writes `api::<key>` or `api::<key>::<name>`, and may shorten
/// the key.
fn is_key(triggered_by: &str, key_id: &str) -> bool {
    /// A shortened key has at least as many characters; fewer would match strangers.
    const KEY_CHARACTERS_MIN: usize = 8;
    let Some(rest) = triggered_by.strip_prefix("api::") else {
        return false;
    };
    let named = rest.split("::").next().unwrap_or_default();
    named == key_id || (named.len() >= KEY_CHARACTERS_MIN && key_id.starts_with(named))
}

#[cfg(test)]
mod tests {
    use super::is_key;

    #[test]
    fn a_run_of_our_key_is_recognised_however_it_is_written() {
        const KEY: &str = "01JSMHTFM9TXWW1XK4AZN1SA8K";
        for (by, ours) in [
            ("api::01JSMHTFM9TXWW1XK4AZN1SA8K", true),
            ("api::01JSMHTFM9TXWW1XK4AZN1SA8K::spillway", true),
            ("api::01JSMHTFM9::spillway", true),
            ("api::01JS", false),
            ("api::", false),
            ("api::01JSMHTFM9TXWW1XK4AZN1SA8L", false),
            ("01JSMHTFM9TXWW1XK4AZN1SA8K", false),
            ("alice@acme.example", false),
        ] {
            assert_eq!(is_key(by, KEY), ours, "{by}");
        }
    }
}
