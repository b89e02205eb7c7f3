//! Contexts, and their attachment to stacks.

use chain::StackId;

use crate::account::state::Account;
use crate::model::autoattach::attaches;
use crate::model::clock::Timestamp;
use crate::model::context::{ContextAttachment, NewContext, SpaceContext, merge};
use crate::model::refusal::Refusal;
use crate::model::slug::slug;
use crate::model::stack::Stack;

impl Account {
    pub(crate) fn create_context(&mut self, new: NewContext) -> Result<SpaceContext, Refusal> {
        let space = self.spaces.existing(&new.space)?;
        let id = slug("context", &new.name)?;
        if self.contexts.contains_key(&id) {
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
        self.contexts.insert(id, context.clone());
        Ok(context)
    }

    /// `replace` removes the elements that the update does not name.
    pub(crate) fn update_context(
        &mut self,
        id: &str,
        new: NewContext,
        replace: bool,
    ) -> Result<SpaceContext, Refusal> {
        let space = self.spaces.existing(&new.space)?;
        let context = self.context_mut(id)?;
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

    pub(crate) fn context_mut(&mut self, id: &str) -> Result<&mut SpaceContext, Refusal> {
        self.contexts
            .get_mut(id)
            .ok_or_else(|| Refusal::unknown("context", id))
    }

    /// `None` if the context does not exist. Its attachments are deleted too.
    pub(crate) fn delete_context(&mut self, id: &str) -> Option<SpaceContext> {
        for stack in self.stacks.values_mut() {
            stack.attachments.retain(|attachment| attachment.context != id);
        }
        self.contexts.remove(id)
    }

    pub(crate) fn attach_context(
        &mut self,
        context: &str,
        stack: &str,
        priority: i32,
    ) -> Result<ContextAttachment, Refusal> {
        let context = self.context_mut(context)?.id.clone();
        let attachment = ContextAttachment {
            id: self.ulid(),
            context,
            priority,
        };
        let stack = self.stack_mut(stack)?;
        if stack
            .attachments
            .iter()
            .any(|existing| existing.context == attachment.context)
        {
            return Err(Refusal::AlreadyAttached {
                context: attachment.context,
                stack: stack.id.to_string(),
            });
        }
        stack.attachments.push(attachment.clone());
        Ok(attachment)
    }

    /// Detaches a context from a stack, which is returned.
    pub(crate) fn detach_context(&mut self, id: &str) -> Option<(StackId, ContextAttachment)> {
        self.stacks.values_mut().find_map(|stack| {
            let index = stack
                .attachments
                .iter()
                .position(|attachment| attachment.id == id)?;
            Some((stack.id.clone(), stack.attachments.remove(index)))
        })
    }

    /// The contexts of a stack: attached explicitly, or by an `autoattach:` label.
    pub(crate) fn contexts_of(&self, stack: &Stack) -> Vec<(ContextAttachment, &SpaceContext)> {
        let attached = stack
            .attachments
            .iter()
            .filter_map(|attachment| Some((attachment.clone(), self.contexts.get(&attachment.context)?)));
        let reach = self.spaces.inherited(&stack.space);
        let automatic = self.contexts.values().filter(|context| {
            reach.contains(&context.space)
                && !stack
                    .attachments
                    .iter()
                    .any(|attachment| attachment.context == context.id)
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
