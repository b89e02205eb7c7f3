//! The scenarios of tests: stacks, the results of their runs, and events without people.
//!
//! These methods panic if a test names something that does not exist, since that is a mistake in the test.

use std::time::Duration;

use chain::{RunId, RunState, RunType, StackId};

use crate::mock::MockSpacelift;
use crate::model::new_stack::NewStack;
use crate::model::refusal::{Refusal, accepted};
use crate::model::resource::Resource;
use crate::model::run::{Outcome, RunRequest};
use crate::model::webhook::NewWebhook;
use crate::runs::creation::create_run;

impl MockSpacelift {
    /// Adds a stack.
    #[track_caller]
    pub fn add_stack(&self, stack: NewStack) -> StackId {
        accepted(self.write(|account| account.add_stack(stack)))
    }

    /// Adds a webhook to all current and future stacks.
    pub fn webhook(&self, webhook: &NewWebhook) {
        self.write(|account| account.stacks.add_webhook(webhook, &mut account.ids));
    }

    /// A pull request: a proposed run that nobody triggered.
    #[track_caller]
    pub fn propose(&self, stack: &str) -> RunId {
        accepted(self.write(|account| create_run(account, stack, &RunRequest::of(RunType::Proposed, None))))
    }

    /// Drift detection triggers a reconciliation: a tracked run with the drift detection flag.
    #[track_caller]
    pub fn reconcile_drift(&self, stack: &str) -> RunId {
        let request = RunRequest {
            drift_detection: true,
            ..RunRequest::tracked(Some("drift detection"))
        };
        accepted(self.write(|account| create_run(account, stack, &request)))
    }

    /// The stack's next tracked run fails while it plans.
    #[track_caller]
    pub fn fail_next(&self, stack: &str) {
        self.fail_next_in(stack, RunState::Planning);
    }

    /// The stack's next tracked run fails in this state.
    #[track_caller]
    pub fn fail_next_in(&self, stack: &str, state: RunState) {
        accepted(self.write(|account| {
            account
                .stacks
                .existing_mut(stack)
                .map(|stack| stack.next_outcomes.push(Outcome::FailsIn(state)))
        }));
    }

    /// The stack's next tracked run is skipped when it would begin.
    #[track_caller]
    pub fn skip_next(&self, stack: &str) {
        accepted(self.write(|account| {
            account
                .stacks
                .existing_mut(stack)
                .map(|stack| stack.next_outcomes.push(Outcome::Skipped))
        }));
    }

    /// Whether applies of the stack change outputs that others refer to, from its next run on.
    #[track_caller]
    pub fn outputs_change(&self, stack: &str, change: bool) {
        accepted(self.write(|account| {
            account
                .stacks
                .existing_mut(stack)
                .map(|stack| stack.changes_outputs = change)
        }));
    }

    /// Makes a run older.
    #[track_caller]
    pub fn age(&self, run: &RunId, by: Duration) {
        accepted(self.write(|account| {
            let index = account.runs.find(run.as_str()).ok_or(Refusal::NotFound)?;
            for transition in &mut account.runs[index].history {
                transition.at = transition.at.earlier(by);
            }
            Ok(())
        }));
    }

    /// `true`: there are no workers, and runs stay `READY`.
    pub fn no_workers(&self, absent: bool) {
        self.write(|account| account.no_workers = absent);
    }

    /// `stack` natively depends on `depends_on` and refers to one of its outputs: it runs only if that output changed,
    /// or always.
    #[track_caller]
    pub fn refer_to_output(&self, stack: &str, depends_on: &str, trigger_always: bool) {
        accepted(self.write(|account| account.refer_to_output(stack, depends_on, trigger_always)));
    }

    /// Enables a disabled stack.
    #[track_caller]
    pub fn enable(&self, stack: &str) {
        accepted(self.write(|account| {
            account
                .stacks
                .existing_mut(stack)
                .map(|stack| stack.disabled = false)
        }));
    }

    /// The stack's next run changes these resources, each an address and its attributes, and keeps them.
    #[track_caller]
    pub fn changes_next(&self, stack: &str, resources: &[(&str, serde_json::Value)]) {
        accepted(self.write(|account| {
            let stack = account.stacks.existing_mut(stack)?;
            for (address, values) in resources {
                stack.keep_resource(Resource {
                    address: (*address).to_owned(),
                    values: values.to_string(),
                });
            }
            let addresses = resources.iter().map(|(address, _)| (*address).to_owned());
            stack.next_changes = Some(addresses.collect());
            Ok(())
        }));
    }

    /// Removes a commit, as after a forced push: triggers that name it are refused. Pushing it again restores it.
    pub fn forget_commit(&self, repository: &str, sha: &str) {
        self.write(|account| account.repositories.forget_commit(repository, sha));
    }
}
