//! What tests say: stacks as they need them, pushes, people, failures.
//!
//! These methods panic when a test names what does not exist: that is a mistake in the test.

use chain::{RunId, RunState, RunType, StackId};

use crate::clock::Timestamp;
use crate::commit::{Commit, hash_of};
use crate::mock::MockSpacelift;
use crate::new_stack::NewStack;
use crate::queue::Decision;
use crate::refusal::Refusal;
use crate::run::RunRequest;
use crate::stack::Lock;
use crate::webhook::NewWebhook;

impl MockSpacelift {
    /// Adds a stack.
    #[track_caller]
    pub fn add_stack(&self, stack: NewStack) -> StackId {
        done(self.write(|account| account.add_stack(stack)))
    }

    /// Adds a webhook.
    #[track_caller]
    pub fn webhook(&self, webhook: &NewWebhook) {
        done(self.write(|account| account.add_webhook(webhook)));
    }

    /// A git push to the stack's branch: a new commit, and a tracked run that nobody triggered.
    #[track_caller]
    pub fn push(&self, stack: &str) -> RunId {
        let serial = self.write(crate::account::Account::ulid);
        self.push_commit(stack, &hash_of(&[stack, &serial]))
    }

    /// A git push of this commit.
    #[track_caller]
    pub fn push_commit(&self, stack: &str, sha: &str) -> RunId {
        done(self.write(|account| {
            let pushed = account.stack_mut(stack)?;
            pushed.tracked_commit = Commit::new(&pushed.settings.full_repository(), sha, "A change");
            account.create_run(stack, &RunRequest::tracked(None))
        }))
    }

    /// A pull request: a proposed run that nobody triggered.
    #[track_caller]
    pub fn propose(&self, stack: &str) -> RunId {
        done(self.write(|account| account.create_run(stack, &RunRequest::of(RunType::Proposed, None))))
    }

    /// Drift detection reconciles: a tracked run, marked as its own.
    #[track_caller]
    pub fn reconcile_drift(&self, stack: &str) -> RunId {
        let request = RunRequest {
            drift_detection: true,
            ..RunRequest::tracked(Some("drift detection"))
        };
        done(self.write(|account| account.create_run(stack, &request)))
    }

    /// A person triggers a tracked run.
    #[track_caller]
    pub fn trigger(&self, stack: &str, by: &str) -> RunId {
        done(self.write(|account| account.create_run(stack, &RunRequest::tracked(Some(by)))))
    }

    /// A person confirms a run that waits for it.
    #[track_caller]
    pub fn confirm(&self, run: &RunId, by: &str) {
        self.decide(run, Decision::Confirm, by);
    }

    /// A person discards a run that is queued or waits for confirmation.
    #[track_caller]
    pub fn discard(&self, run: &RunId, by: &str) {
        self.decide(run, Decision::Discard, by);
    }

    #[track_caller]
    fn decide(&self, run: &RunId, decision: Decision, by: &str) {
        done(self.write(|account| {
            let stack = account.run(run.as_str()).ok_or(Refusal::NotFound)?.stack.clone();
            account.decide(stack.as_str(), Some(run.as_str()), decision, by, None, None)
        }));
    }

    /// The stack's next tracked run fails while it plans.
    #[track_caller]
    pub fn fail_next(&self, stack: &str) {
        self.fail_next_in(stack, RunState::Planning);
    }

    /// The stack's next tracked run fails in this state.
    #[track_caller]
    pub fn fail_next_in(&self, stack: &str, state: RunState) {
        done(self.write(|account| account.stack_mut(stack).map(|stack| stack.failures.push(state))));
    }

    /// A person locks the stack: its runs stay in the queue.
    #[track_caller]
    pub fn lock(&self, stack: &str, by: &str) {
        done(self.write(|account| account.lock_stack(stack, by, None)));
    }

    #[track_caller]
    pub fn unlock(&self, stack: &str) {
        done(self.write(|account| account.unlock_stack(stack)));
    }

    /// Disables or enables a stack.
    #[track_caller]
    pub fn disable(&self, stack: &str) {
        done(self.write(|account| account.stack_mut(stack).map(|stack| stack.disabled = true)));
    }

    #[track_caller]
    pub fn enable(&self, stack: &str) {
        done(self.write(|account| account.stack_mut(stack).map(|stack| stack.disabled = false)));
    }
}

#[track_caller]
pub(crate) fn done<T>(result: Result<T, Refusal>) -> T {
    result.unwrap_or_else(|refusal| panic!("{refusal}"))
}

impl crate::account::Account {
    pub(crate) fn lock_stack(&mut self, stack: &str, by: &str, note: Option<String>) -> Result<(), Refusal> {
        let stack = self.stack_mut(stack)?;
        if let Some(lock) = &stack.lock {
            return Err(Refusal::StackLocked {
                id: stack.id.to_string(),
                by: lock.by.clone(),
            });
        }
        stack.lock = Some(Lock {
            by: by.to_owned(),
            note,
            at: Timestamp::now(),
        });
        Ok(())
    }

    pub(crate) fn unlock_stack(&mut self, stack: &str) -> Result<(), Refusal> {
        let stack = self.stack_mut(stack)?;
        stack
            .lock
            .take()
            .map(drop)
            .ok_or_else(|| Refusal::StackNotLocked {
                id: stack.id.to_string(),
            })
    }
}
