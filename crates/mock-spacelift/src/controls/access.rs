//! The access of the API key: all spaces except those that were revoked.

use crate::mock::MockSpacelift;
use crate::model::refusal::accepted;

impl MockSpacelift {
    /// Revokes the API key's access to a space and all below it: their stacks are null, missing in lists, and refuse
    /// mutations.
    #[track_caller]
    pub fn revoke_space(&self, space: &str) {
        accepted(self.write(|account| account.spaces.revoke(space)));
    }

    /// Restores the API key's access to a space.
    #[track_caller]
    pub fn grant_space(&self, space: &str) {
        accepted(self.write(|account| account.spaces.grant(space)));
    }
}
