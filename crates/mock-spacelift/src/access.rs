//! What the API key may see: every space, but for those that it has lost.

use chain::SpaceId;

use crate::account::Account;
use crate::mock::MockSpacelift;
use crate::refusal::Refusal;
use crate::scenario::done;
use crate::stack::Stack;

impl MockSpacelift {
    /// The API key loses a space and all below it: their stacks are null, missing in lists, and take no order.
    #[track_caller]
    pub fn revoke_space(&self, space: &str) {
        done(self.write(|account| {
            let space = account.existing_space(space)?;
            account.revoked_spaces.insert(space);
            Ok(())
        }));
    }

    /// The API key gets a space back.
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
    /// Whether the key sees a space: it has lost neither the space nor one above it.
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

    /// Refuses what the key wants to do to a stack that it does not see. Whether the stack exists is not said here.
    pub(crate) fn check_access(&self, stack: &str) -> Result<(), Refusal> {
        match self.stack(stack) {
            Some(stack) if !self.sees_space(&stack.space) => Err(Refusal::Unauthorized),
            _ => Ok(()),
        }
    }
}
