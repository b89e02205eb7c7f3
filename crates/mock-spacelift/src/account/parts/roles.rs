//! Roles, their bindings, and the groups of the identity provider. Each binding refers to a role and a holder that exist.

use std::collections::BTreeMap;

use chain::SpaceId;

use crate::model::refusal::Refusal;
use crate::model::role::{Action, Holder, IdpGroup, Role, RoleBinding};
use crate::model::slug::slug;

#[derive(Debug, Default)]
pub(crate) struct Roles {
    by_id: BTreeMap<String, Role>,
    bindings: BTreeMap<String, RoleBinding>,
    groups: BTreeMap<String, IdpGroup>,
}

impl Roles {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Role> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Role> {
        self.by_id.get(id)
    }

    pub(crate) fn create(
        &mut self,
        id: String,
        name: String,
        description: String,
        actions: Vec<Action>,
    ) -> Result<Role, Refusal> {
        let slug = slug("role", &name)?;
        if self.all().any(|role| role.slug == slug) {
            return Err(Refusal::SlugTaken { what: "role" });
        }
        let role = Role {
            id: id.clone(),
            slug,
            name,
            description,
            actions,
        };
        self.by_id.insert(id, role.clone());
        Ok(role)
    }

    pub(crate) fn existing_mut(&mut self, id: &str) -> Result<&mut Role, Refusal> {
        self.by_id.get_mut(id).ok_or_else(|| Refusal::unknown("role", id))
    }

    /// `None` if the role does not exist. Nobody has it any more.
    pub(crate) fn remove(&mut self, id: &str) -> Option<Role> {
        self.bindings.retain(|_, binding| binding.role != id);
        self.by_id.remove(id)
    }

    pub(crate) fn bindings_of(&self, role: &str) -> usize {
        self.bindings
            .values()
            .filter(|binding| binding.role == role)
            .count()
    }

    pub(crate) fn binding(&self, id: &str) -> Option<&RoleBinding> {
        self.bindings.get(id)
    }

    pub(crate) fn bind(&mut self, binding: RoleBinding) {
        self.bindings.insert(binding.id.clone(), binding);
    }

    pub(crate) fn unbind(&mut self, id: &str) -> Result<RoleBinding, Refusal> {
        self.bindings.remove(id).ok_or(Refusal::NotFound)
    }

    pub(crate) fn remove_holder(&mut self, holder: &Holder) {
        self.bindings.retain(|_, binding| binding.holder != *holder);
    }

    pub(crate) fn remove_space(&mut self, space: &SpaceId) {
        self.bindings.retain(|_, binding| binding.space != *space);
    }

    pub(crate) fn group(&self, id: &str) -> Option<&IdpGroup> {
        self.groups.get(id)
    }

    pub(crate) fn keep_group(&mut self, group: IdpGroup) {
        self.groups.insert(group.id.clone(), group);
    }

    pub(crate) fn group_mut(&mut self, id: &str) -> Result<&mut IdpGroup, Refusal> {
        self.groups
            .get_mut(id)
            .ok_or_else(|| Refusal::unknown("user group", id))
    }

    /// `None` if the group does not exist. It has no roles any more.
    pub(crate) fn remove_group(&mut self, id: &str) -> Option<IdpGroup> {
        self.remove_holder(&Holder::Group(id.to_owned()));
        self.groups.remove(id)
    }
}
