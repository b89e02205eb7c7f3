//! The contexts. Stacks keep their attachments themselves.

use std::collections::BTreeMap;

use crate::account::parts::spaces::Spaces;
use crate::model::autoattach::attaches;
use crate::model::clock::Timestamp;
use crate::model::context::{ContextAttachment, NewContext, SpaceContext, merge};
use crate::model::refusal::Refusal;
use crate::model::slug::slug;
use crate::model::stack::Stack;

#[derive(Debug, Default)]
pub(crate) struct Contexts {
    by_id: BTreeMap<String, SpaceContext>,
}

impl Contexts {
    pub(crate) fn all(&self) -> impl Iterator<Item = &SpaceContext> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&SpaceContext> {
        self.by_id.get(id)
    }

    pub(crate) fn existing_mut(&mut self, id: &str) -> Result<&mut SpaceContext, Refusal> {
        self.by_id
            .get_mut(id)
            .ok_or_else(|| Refusal::unknown("context", id))
    }

    pub(crate) fn create(&mut self, new: NewContext, spaces: &Spaces) -> Result<SpaceContext, Refusal> {
        let space = spaces.existing(&new.space)?;
        let id = slug("context", &new.name)?;
        if self.by_id.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "context" });
        }
        let now = Timestamp::now();
        let mut context = SpaceContext {
            id: id.clone(),
            name: new.name,
            description: new.description,
            space,
            labels: new.labels,
            config: Vec::new(),
            hooks: new.hooks,
            created_at: now,
            updated_at: now,
        };
        merge(&mut context.config, new.config);
        self.by_id.insert(id, context.clone());
        Ok(context)
    }

    /// `replace` removes the elements that the update does not name.
    pub(crate) fn update(
        &mut self,
        id: &str,
        new: NewContext,
        replace: bool,
        spaces: &Spaces,
    ) -> Result<SpaceContext, Refusal> {
        let space = spaces.existing(&new.space)?;
        let context = self.existing_mut(id)?;
        context.name = new.name;
        context.description = new.description;
        context.space = space;
        context.labels = new.labels;
        context.hooks = new.hooks;
        context.updated_at = Timestamp::now();
        if replace {
            context.config.clear();
        }
        merge(&mut context.config, new.config);
        Ok(context.clone())
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<SpaceContext> {
        self.by_id.remove(id)
    }

    /// The contexts of a stack: attached explicitly, or by an `autoattach:` label.
    pub(crate) fn of_stack(&self, stack: &Stack, spaces: &Spaces) -> Vec<(ContextAttachment, &SpaceContext)> {
        let attached = stack
            .attachments
            .iter()
            .filter_map(|attachment| Some((attachment.clone(), self.get(&attachment.context)?)));
        let reach = spaces.inherited(&stack.space);
        let automatic = self.all().filter(|context| {
            reach.contains(&context.space)
                && !stack.is_attached_to(&context.id)
                && attaches(&context.labels, &stack.settings.labels)
        });
        let automatic = automatic.map(|context| {
            let attachment = ContextAttachment {
                id: format!("{}/{}", stack.id, context.id),
                context: context.id.clone(),
                priority: 0,
            };
            (attachment, context)
        });
        attached.chain(automatic).collect()
    }
}
