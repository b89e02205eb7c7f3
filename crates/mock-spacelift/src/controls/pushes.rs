//! Git pushes.

use chain::RunId;

use crate::mock::MockSpacelift;
use crate::model::push::Push;
use crate::model::refusal::accepted;
use crate::runs::push;

impl MockSpacelift {
    /// One push, and a tracked run of every affected stack that tracks the repository and branch. Takes a repository,
    /// `owner/name`, or a [`Push`]. Returns the runs of those stacks, but not of the stacks that natively depend on
    /// them.
    #[track_caller]
    pub fn push_to(&self, push: impl Into<Push>) -> Vec<RunId> {
        let push = push.into();
        accepted(self.write(|account| push::push(account, &push))).runs
    }

    /// A push that affects one stack only: a new commit, and a tracked run that nobody triggered.
    #[track_caller]
    pub fn push(&self, stack: &str) -> RunId {
        self.push_to_stack(stack, None)
    }

    /// A push of this commit that affects one stack only.
    #[track_caller]
    pub fn push_commit(&self, stack: &str, sha: &str) -> RunId {
        self.push_to_stack(stack, Some(sha))
    }

    #[track_caller]
    fn push_to_stack(&self, stack: &str, sha: Option<&str>) -> RunId {
        let pushed = accepted(self.write(|account| push::push_to_stack(account, stack, sha)));
        let [run] = pushed.runs.try_into().expect("one stack has one run");
        run
    }
}
