//! What people decide about runs.

use chain::{RunId, RunState};

use crate::account::state::Account;
use crate::model::log::LogAction;
use crate::model::refusal::Refusal;
use crate::runs::transition::transition;

/// What a person may do to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Confirm,
    /// A reviewer whom an approval policy requires.
    Approve,
    Discard,
    Cancel,
    Stop,
    /// Plan again, for some resources only.
    Replan,
}

impl Decision {
    /// The next state, if the run's state allows the decision.
    fn leads_to(self, state: &RunState, autodeploy: bool) -> Option<RunState> {
        match (self, state) {
            (Self::Confirm, RunState::Unconfirmed) => Some(RunState::Confirmed),
            (Self::Approve, RunState::PendingReview) if autodeploy => Some(RunState::Confirmed),
            (Self::Approve, RunState::PendingReview) => Some(RunState::Unconfirmed),
            (
                Self::Discard,
                RunState::Unconfirmed | RunState::PendingReview | RunState::Queued | RunState::Ready,
            ) => Some(RunState::Discarded),
            (Self::Cancel, RunState::Queued | RunState::Ready) => Some(RunState::Canceled),
            (Self::Stop, state) if !state.is_terminal() => Some(RunState::Stopped),
            (Self::Replan, RunState::Unconfirmed) => Some(RunState::ReplanRequested),
            _ => None,
        }
    }

    pub(crate) fn participle(self) -> &'static str {
        match self {
            Self::Confirm => "confirmed",
            Self::Approve => "approved",
            Self::Discard => "discarded",
            Self::Cancel => "canceled",
            Self::Stop => "stopped",
            Self::Replan => "planned again",
        }
    }
}

/// Confirms, discards, cancels or stops a run; the default is the run that blocks the stack.
pub(crate) fn decide(
    account: &mut Account,
    stack: &str,
    run: Option<&str>,
    decision: Decision,
    by: &str,
    note: Option<&str>,
    metadata: Option<String>,
) -> Result<RunId, Refusal> {
    let index = match run {
        Some(run) => account.runs.index_of(stack, run).ok_or(Refusal::NotFound),
        None => account
            .runs
            .blocker(stack)
            .ok_or_else(|| Refusal::NoBlocker { id: stack.to_owned() }),
    }?;
    let run = &account.runs[index];
    let autodeploy = account
        .stacks
        .get(&run.stack)
        .is_some_and(|stack| stack.settings.autodeploy);
    let next = decision.leads_to(run.state(), autodeploy);
    let next = next.ok_or_else(|| Refusal::RunState {
        id: run.id.to_string(),
        state: run.state().to_string(),
        wanted: decision.participle(),
    })?;
    let id = run.id.clone();
    let decided = LogAction::Decide {
        stack: run.stack.clone(),
        run: id.clone(),
        state: next.to_string(),
    };
    account.log.add(Some(by), decided);
    account.runs[index].metadata.extend(metadata);
    transition(account, index, next, Some(by), note);
    Ok(id)
}
