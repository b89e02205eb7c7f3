//! Who has which role where.

use crate::account::state::Account;
use crate::model::refusal::Refusal;
use crate::model::role::{Holder, RoleBinding};

impl Account {
    pub(crate) fn bind_role(
        &mut self,
        role: &str,
        space: &str,
        holder: Holder,
    ) -> Result<RoleBinding, Refusal> {
        if self.roles.get(role).is_none() {
            return Err(Refusal::unknown("role", role));
        }
        let keys = &self.sessions.api_keys;
        let (what, id, is_known) = match &holder {
            Holder::ApiKey(id) => ("API key", id.as_str(), keys.iter().any(|key| key.id == *id)),
            Holder::Group(id) => ("user group", id.as_str(), self.roles.group(id).is_some()),
            Holder::Stack(id) => ("stack", id.as_str(), self.stacks.contains_key(id)),
        };
        if !is_known {
            return Err(Refusal::unknown(what, id));
        }
        let binding = RoleBinding {
            space: self.spaces.existing(space)?,
            id: self.ulid(),
            role: role.to_owned(),
            holder,
        };
        self.roles.bind(binding.clone());
        Ok(binding)
    }
}
