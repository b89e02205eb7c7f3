//! Locks of stacks: one person's exclusive use of a stack.

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::log::LogAction;
use crate::model::refusal::Refusal;
use crate::model::stack::Lock;

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
