//! What the schedule has to know of a run that is followed, and why a run or a request is ignored.

use serde::{Deserialize, Serialize};

use crate::attempt::waits_for_person;
use crate::event::EVENT_AGE_MAX;
use crate::retry::RetryError;
use crate::settings::milliseconds;
use crate::{AccountName, ChainId, RunEvent, RunFacts, RunState, StackFacts, StackId, StackPolicy};

/// How long a run may be queued, or ready for a worker, before it counts for an alarm.
const WAIT_FOR_WORKER_MAX_S: i64 = 3600;

/// Why nothing follows from a run or a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum IgnoredBecause {
    #[error("our key belongs to the account `{ours}`, not to `{account}`")]
    OtherAccount { ours: AccountName, account: AccountName },
    #[error("Spacelift knows no such run")]
    NoRun,
    #[error("the run ended more than a day before it was reported")]
    Late,
    #[error("there is no stack `{stack}` that our key can see")]
    NoStack { stack: StackId },
    #[error("the label `spillway:ignore=true` of the stack `{stack}` says that it never runs")]
    Label { stack: StackId },
    #[error("the stack `{stack}` is disabled")]
    Disabled { stack: StackId },
    #[error("there is no chain `{chain}`")]
    NoChain { chain: ChainId },
    #[error("{error}")]
    NotRetried { error: RetryError },
}

/// Refuses what belongs to another account than our key.
pub fn check_account(account: &AccountName, ours: &AccountName) -> Result<(), IgnoredBecause> {
    if account == ours {
        return Ok(());
    }
    Err(IgnoredBecause::OtherAccount {
        ours: ours.clone(),
        account: account.clone(),
    })
}

/// The facts of a stack whose run was requested, or why the request is ignored. `None` in place of facts: our key sees no
/// such stack.
pub fn requested_stack(stack: &StackId, facts: Option<StackFacts>) -> Result<StackFacts, IgnoredBecause> {
    let stack = stack.clone();
    let Some(facts) = facts else {
        return Err(IgnoredBecause::NoStack { stack });
    };
    if StackPolicy::of(&facts.labels).0.ignore {
        return Err(IgnoredBecause::Label { stack });
    }
    if facts.disabled {
        return Err(IgnoredBecause::Disabled { stack });
    }
    Ok(facts)
}

/// Whether the schedule has to know that this run began: what depends on its stack waits for it. Runs of API keys are most
/// often our own, which the schedule knows. Those of other keys are found when they end.
pub fn begins(event: &RunEvent) -> bool {
    let is_key = |by: &String| by.starts_with("api::");
    !event.state.is_terminal() && !event.triggered_by.as_ref().is_some_and(is_key)
}

/// Whether the schedule needs this state: the run waits or waited for a person or a worker, applies, or another Spillway
/// made it. `reported` is the state that the schedule knows.
pub fn changes_a_decision(run: &RunFacts, reported: Option<&RunState>) -> bool {
    let waited = reported.and_then(waits_for_person).is_some();
    // The schedule frees the slot of a run that waits too long for a worker: it has to know that this one works now.
    let was_ready = reported == Some(&RunState::Ready);
    let is_known = reported == Some(&run.state);
    !is_known
        && (waited
            || was_ready
            || run.waits_for_person().is_some()
            || matches!(run.state, RunState::Ready | RunState::Applying)
            || run.other_spillway.is_some())
}

/// Whether Spacelift has not shown the run for so long that nothing should wait for it any more.
pub fn is_gone(unknown_since_ms: Option<i64>, now_ms: i64, patience_ms: i64) -> bool {
    unknown_since_ms.is_some_and(|since_ms| now_ms - since_ms >= patience_ms)
}

/// Whether a run had ended so long before it was reported that the report may be a repeated one: Temporal deletes what it
/// knew of the first.
pub fn is_reported_late(ended_at_s: i64, reported_at_ms: i64) -> bool {
    reported_at_ms.saturating_sub(ended_at_s.saturating_mul(1000)) > milliseconds(EVENT_AGE_MAX)
}

/// Whether a run has waited for a worker for so long that a person should know. `since_s` is when it came into its state.
pub fn waits_long_for_worker(state: &RunState, since_s: i64, now_s: i64) -> bool {
    matches!(state, RunState::Queued | RunState::Ready) && now_s - since_s >= WAIT_FOR_WORKER_MAX_S
}
