//! Spaces, and what is in them.

use chain::SpaceId;

use crate::account::state::Account;
use crate::model::refusal::Refusal;
use crate::model::slug::slug;
use crate::model::space::{NewSpace, ROOT, Space};

impl Account {
    /// Spaces may have the same name: the id is the name's slug and a ULID.
    pub(crate) fn create_space(&mut self, new: NewSpace) -> Result<Space, Refusal> {
        let id = format!("{}-{}", slug("space", &new.name)?, self.ulid());
        self.spaces.create(&id, new)
    }

    /// `None` if the space does not exist.
    pub(crate) fn delete_space(&mut self, id: &str) -> Result<Option<Space>, Refusal> {
        if id == ROOT {
            return Err(Refusal::RootSpace);
        }
        let Some(space) = self.spaces.get(id).cloned() else {
            return Ok(None);
        };
        if let Some(content) = self.content_of(&space.id) {
            return Err(Refusal::SpaceNotEmpty {
                id: id.to_owned(),
                content,
            });
        }
        self.spaces.remove(&space.id);
        self.roles.remove_space(&space.id);
        Ok(Some(space))
    }

    /// An object in the space, if there is one.
    fn content_of(&self, space: &SpaceId) -> Option<String> {
        let child = self
            .spaces
            .all()
            .find(|child| child.parent.as_ref() == Some(space));
        let stack = self.stacks.values().find(|stack| stack.space == *space);
        let context = self.contexts.values().find(|context| context.space == *space);
        let blueprint = self
            .blueprints
            .values()
            .find(|blueprint| blueprint.space == *space);
        let policy = self.policies.values().find(|policy| policy.space == *space);
        let webhook = self
            .named_webhooks
            .values()
            .find(|webhook| webhook.space == *space);
        None.or(child.map(|child| format!("space `{}`", child.id)))
            .or(stack.map(|stack| format!("stack `{}`", stack.id)))
            .or(context.map(|context| format!("context `{}`", context.id)))
            .or(blueprint.map(|blueprint| format!("blueprint `{}`", blueprint.id)))
            .or(policy.map(|policy| format!("policy `{}`", policy.id)))
            .or(webhook.map(|webhook| format!("webhook `{}`", webhook.id)))
    }
}
