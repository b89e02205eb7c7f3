//! What people do with runs: trigger, retry, roll back, decide.
//!
//! The methods for tests panic if the account refuses, since that is a mistake in the test.

use chain::{RunId, StackId};

use crate::account::state::Account;
use crate::mock::MockSpacelift;
use crate::model::refusal::{Refusal, accepted};
use crate::model::run::RunRequest;
use crate::runs::creation::trigger_run;
use crate::runs::decision::{Decision, decide};
use crate::runs::retry::retry_run;

impl MockSpacelift {
    /// A person triggers a tracked run of the commit that the stack tracks.
    #[track_caller]
    pub fn trigger(&self, stack: &str, by: &str) -> RunId {
        accepted(self.write(|account| trigger_run(account, stack, &RunRequest::tracked(Some(by)))))
    }

    /// A person triggers a tracked run of this commit; with an older one, it is a rollback. The tracked commit stays.
    #[track_caller]
    pub fn trigger_commit(&self, stack: &str, by: &str, sha: &str) -> RunId {
        accepted(self.write(|account| trigger_run(account, stack, &RunRequest::of_commit(by, sha))))
    }

    /// A person retries a failed run: a new run of the same commit.
    #[track_caller]
    pub fn retry(&self, run: &RunId, by: &str) -> RunId {
        accepted(self.write(|account| {
            let stack = stack_of(account, run)?;
            retry_run(account, stack.as_str(), run.as_str(), by)
        }))
    }

    /// A person confirms a run that waits for confirmation.
    #[track_caller]
    pub fn confirm(&self, run: &RunId, by: &str) {
        self.decide(run, Decision::Confirm, by);
    }

    /// A person approves a run that waits for a review.
    #[track_caller]
    pub fn approve(&self, run: &RunId, by: &str) {
        self.decide(run, Decision::Approve, by);
    }

    /// A person discards a run that is queued or waits for a person.
    #[track_caller]
    pub fn discard(&self, run: &RunId, by: &str) {
        self.decide(run, Decision::Discard, by);
    }

    /// A person cancels a run that has not begun.
    #[track_caller]
    pub fn cancel(&self, run: &RunId, by: &str) {
        self.decide(run, Decision::Cancel, by);
    }

    /// A person stops a run in any state.
    #[track_caller]
    pub fn stop(&self, run: &RunId, by: &str) {
        self.decide(run, Decision::Stop, by);
    }

    #[track_caller]
    fn decide(&self, run: &RunId, decision: Decision, by: &str) {
        accepted(self.write(|account| {
            let stack = stack_of(account, run)?;
            decide(
                account,
                stack.as_str(),
                Some(run.as_str()),
                decision,
                by,
                None,
                None,
            )
        }));
    }
}

fn stack_of(account: &Account, run: &RunId) -> Result<StackId, Refusal> {
    let run = account.runs.get(run.as_str()).ok_or(Refusal::NotFound)?;
    Ok(run.stack.clone())
}
