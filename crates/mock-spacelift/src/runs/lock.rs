//! Locks of stacks: one person's exclusive use of a stack.

use crate::account::state::Account;
use crate::mock::MockSpacelift;
use crate::model::clock::Timestamp;
use crate::model::journal::LogAction;
use crate::model::refusal::Refusal;
use crate::model::refusal::done;
use crate::model::stack::Lock;

impl MockSpacelift {
    /// A person locks the stack: runs of others stay queued, and nobody else can trigger one.
    #[track_caller]
    pub fn lock(&self, stack: &str, by: &str) {
        done(self.write(|account| account.lock_stack(stack, by, None)));
    }

    /// The person who locked the stack unlocks it.
    #[track_caller]
    pub fn unlock(&self, stack: &str) {
        done(self.write(|account| {
            let owner = account.lock_owner(stack)?;
            account.unlock_stack(stack, &owner)
        }));
    }

    /// Somebody tries to unlock the stack: only the person who locked it can.
    pub fn unlock_as(&self, stack: &str, by: &str) -> Result<(), Refusal> {
        self.write(|account| account.unlock_stack(stack, by))
    }
}

impl Account {
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
        let stack = stack.id.clone();
        self.note(Some(by), LogAction::Lock { stack });
        Ok(())
    }

    pub(crate) fn unlock_stack(&mut self, stack: &str, by: &str) -> Result<(), Refusal> {
        let owner = self.lock_owner(stack)?;
        let stack = self.stack_mut(stack)?;
        if owner != by {
            return Err(Refusal::LockedByOther {
                id: stack.id.to_string(),
                by: owner,
                wanted: "unlock it",
            });
        }
        stack.lock = None;
        let stack = stack.id.clone();
        self.note(Some(by), LogAction::Unlock { stack });
        Ok(())
    }

    pub(crate) fn lock_owner(&self, stack: &str) -> Result<String, Refusal> {
        let stack = self.existing_stack(stack)?;
        let lock = stack.lock.as_ref().ok_or_else(|| Refusal::StackNotLocked {
            id: stack.id.to_string(),
        })?;
        Ok(lock.by.clone())
    }
}
