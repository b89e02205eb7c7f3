//! Locks of stacks: one person's exclusive use of a stack.

use crate::mock::MockSpacelift;
use crate::model::refusal::{Refusal, accepted};

impl MockSpacelift {
    /// A person locks the stack: runs of others stay queued, and nobody else can trigger one.
    #[track_caller]
    pub fn lock(&self, stack: &str, by: &str) {
        accepted(self.write(|account| account.lock_stack(stack, by, None)));
    }

    /// The person who locked the stack unlocks it.
    #[track_caller]
    pub fn unlock(&self, stack: &str) {
        accepted(self.write(|account| {
            let owner = account.stacks.existing(stack)?.lock_owner()?.to_owned();
            account.unlock_stack(stack, &owner)
        }));
    }

    /// Somebody tries to unlock the stack: only the person who locked it can.
    pub fn unlock_as(&self, stack: &str, by: &str) -> Result<(), Refusal> {
        self.write(|account| account.unlock_stack(stack, by))
    }
}
