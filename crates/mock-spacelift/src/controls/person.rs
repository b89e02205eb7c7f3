//! What people do with runs: trigger, retry, roll back, decide.
//!
//! The methods for tests panic if the account refuses, since that is a mistake in the test.

use chain::{RunId, RunState};

use crate::account::state::Account;
use crate::mock::MockSpacelift;
use crate::model::refusal::Refusal;
use crate::model::refusal::done;
use crate::model::run::{Run, RunRequest};
use crate::runs::queue::Decision;

impl MockSpacelift {
    /// A person triggers a tracked run of the commit that the stack tracks.
    #[track_caller]
    pub fn trigger(&self, stack: &str, by: &str) -> RunId {
        done(self.write(|account| account.trigger_run(stack, &RunRequest::tracked(Some(by)))))
    }

    /// A person triggers a tracked run of this commit; with an older one, it is a rollback. The tracked commit stays.
    #[track_caller]
    pub fn trigger_commit(&self, stack: &str, by: &str, sha: &str) -> RunId {
        done(self.write(|account| account.trigger_run(stack, &RunRequest::of_commit(by, sha))))
    }

    /// A person retries a failed run: a new run of the same commit.
    #[track_caller]
    pub fn retry(&self, run: &RunId, by: &str) -> RunId {
        done(self.write(|account| {
            let stack = account.run(run.as_str()).ok_or(Refusal::NotFound)?.stack.clone();
            account.retry_run(stack.as_str(), run.as_str(), by)
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

    /// A person replans a run that waits for confirmation, for some of its resources only.
    #[track_caller]
    pub fn replan(&self, run: &RunId, by: &str) {
        self.decide(run, Decision::Replan, by);
    }

    #[track_caller]
    fn decide(&self, run: &RunId, decision: Decision, by: &str) {
        done(self.write(|account| {
            let stack = account.run(run.as_str()).ok_or(Refusal::NotFound)?.stack.clone();
            account.decide(stack.as_str(), Some(run.as_str()), decision, by, None, None)
        }));
    }
}

impl Account {
    /// Creates a new run of the same kind and commit as a failed one.
    pub(crate) fn retry_run(&mut self, stack: &str, run: &str, by: &str) -> Result<RunId, Refusal> {
        let run = self.run_of(stack, run).ok_or(Refusal::NotFound)?;
        if !run.can_be_retried() {
            return Err(Refusal::RunState {
                id: run.id.to_string(),
                state: run.state().to_string(),
                wanted: "retried",
            });
        }
        let request = RunRequest {
            commit: Some(run.commit.hash.clone()),
            command: run.command.clone(),
            environment: run.environment.clone(),
            retries: Some(run.id.clone()),
            ..RunRequest::of(run.run_type.clone(), Some(by))
        };
        self.trigger_run(stack, &request)
    }

    /// The newest run of a stack that can be retried.
    pub(crate) fn last_failed_run(&self, stack: &str) -> Result<RunId, Refusal> {
        let stack = self.existing_stack(stack)?;
        let mut runs = stack.runs.iter().rev().map(|&place| &self.runs[place]);
        let failed = runs.find(|run| run.can_be_retried());
        failed
            .map(|run| run.id.clone())
            .ok_or_else(|| Refusal::NoSuchRun {
                id: stack.id.to_string(),
                wanted: "has failed",
            })
    }
}

impl Run {
    /// It is over, and neither finished nor skipped.
    pub(crate) fn can_be_retried(&self) -> bool {
        self.is_over() && !self.state().succeeded() && *self.state() != RunState::Skipped
    }
}
