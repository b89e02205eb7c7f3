//! The stacks, and the webhooks that each new one gets.

use std::collections::BTreeMap;

use chain::StackId;

use crate::account::parts::ids::Ids;
use crate::model::context::ContextAttachment;
use crate::model::refusal::Refusal;
use crate::model::slug::slug;
use crate::model::stack::Stack;
use crate::model::webhook::{NewWebhook, Target};

#[derive(Debug, Default)]
pub(crate) struct Stacks {
    by_id: BTreeMap<StackId, Stack>,
    webhooks_for_new: Vec<Target>,
}

impl Stacks {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Stack> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: &StackId) -> Option<&Stack> {
        self.by_id.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &StackId) -> Option<&mut Stack> {
        self.by_id.get_mut(id)
    }

    /// A stack by an id that a client or a test names.
    pub(crate) fn find(&self, id: &str) -> Option<&Stack> {
        self.get(&id.parse().ok()?)
    }

    pub(crate) fn existing(&self, id: &str) -> Result<&Stack, Refusal> {
        self.find(id).ok_or_else(|| Refusal::unknown("stack", id))
    }

    pub(crate) fn existing_mut(&mut self, id: &str) -> Result<&mut Stack, Refusal> {
        let unknown = || Refusal::unknown("stack", id);
        let key: StackId = id.parse().map_err(|_| unknown())?;
        self.get_mut(&key).ok_or_else(unknown)
    }

    /// The id of a new stack: the wanted one, or the slug of its name.
    pub(crate) fn new_id(&self, name: &str, wanted: Option<&str>) -> Result<StackId, Refusal> {
        let text = match wanted {
            Some(wanted) => wanted.to_owned(),
            None => slug("stack", name)?,
        };
        let no_slug = || Refusal::NoSlug {
            what: "stack",
            name: text.clone(),
        };
        let id: StackId = text.parse().map_err(|_| no_slug())?;
        if self.by_id.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "stack" });
        }
        Ok(id)
    }

    pub(crate) fn add(&mut self, mut stack: Stack, ids: &mut Ids) -> &mut Stack {
        for target in &self.webhooks_for_new {
            stack.add_webhook(ids.ulid(), target.clone());
        }
        self.by_id.entry(stack.id.clone()).or_insert(stack)
    }

    pub(crate) fn remove(&mut self, id: &StackId) -> Option<Stack> {
        self.by_id.remove(id)
    }

    /// Adds a webhook to all current and future stacks.
    pub(crate) fn add_webhook(&mut self, webhook: &NewWebhook, ids: &mut Ids) {
        self.webhooks_for_new.push(webhook.target.clone());
        for stack in self.by_id.values_mut() {
            stack.add_webhook(ids.ulid(), webhook.target.clone());
        }
    }

    /// Removes one attachment of a context, by its own id.
    pub(crate) fn detach(&mut self, attachment: &str) -> Option<(&Stack, ContextAttachment)> {
        self.by_id.values_mut().find_map(|stack| {
            let detached = stack.detach(attachment)?;
            Some((&*stack, detached))
        })
    }

    /// Removes all attachments of a context.
    pub(crate) fn detach_context(&mut self, context: &str) {
        for stack in self.by_id.values_mut() {
            stack
                .attachments
                .retain(|attachment| attachment.context != context);
        }
    }
}
