//! The access of the API key: all spaces except those that were revoked.

use chain::SpaceId;

use crate::account::state::Account;
use crate::mock::MockSpacelift;
use crate::model::refusal::Refusal;
use crate::model::refusal::done;
use crate::model::stack::Stack;

impl MockSpacelift {
    /// Revokes the API key's access to a space and all below it: their stacks are null, missing in lists, and refuse
    /// mutations.
    #[track_caller]
    pub fn revoke_space(&self, space: &str) {
        done(self.write(|account| {
            let space = account.existing_space(space)?;
            account.revoked_spaces.insert(space);
            Ok(())
        }));
    }

    /// Restores the API key's access to a space.
    #[track_caller]
    pub fn grant_space(&self, space: &str) {
        done(self.write(|account| {
            let space = account.existing_space(space)?;
            account.revoked_spaces.remove(&space);
            Ok(())
        }));
    }
}

impl Account {
    /// Whether the key sees a space: neither it nor a space above it was revoked.
    pub(crate) fn sees_space(&self, space: &SpaceId) -> bool {
        let mut space = Some(space);
        while let Some(id) = space {
            if self.revoked_spaces.contains(id) {
                return false;
            }
            space = self.spaces.get(id).and_then(|space| space.parent.as_ref());
        }
        true
    }

    /// The stacks that the key sees.
    pub(crate) fn visible_stacks(&self) -> impl Iterator<Item = &Stack> {
        self.stacks.values().filter(|stack| self.sees_space(&stack.space))
    }

    /// A stack, if the key sees it.
    pub(crate) fn visible_stack(&self, id: &str) -> Option<&Stack> {
        self.stack(id).filter(|stack| self.sees_space(&stack.space))
    }

    /// Refuses an operation on a stack that the key does not see, without saying whether it exists.
    pub(crate) fn check_access(&self, stack: &str) -> Result<(), Refusal> {
        match self.stack(stack) {
            Some(stack) if !self.sees_space(&stack.space) => Err(Refusal::Unauthorized),
            _ => Ok(()),
        }
    }
}
