//! The changes that concern several parts of the account.

use chain::{RunState, SpaceId, StackId};

use crate::account::state::Account;
use crate::model::context::{ContextAttachment, SpaceContext};
use crate::model::dependency::{DependencyReference, ENVIRONMENT_VARIABLE, NativeDependency};
use crate::model::hooks::Hooks;
use crate::model::log::LogAction;
use crate::model::new_stack::NewStack;
use crate::model::refusal::Refusal;
use crate::model::role::{Holder, RoleBinding};
use crate::model::run::Outcome;
use crate::model::space::{ROOT, Space};
use crate::model::stack::{Stack, StackSettings};
use crate::model::vendor::VendorConfig;
use crate::model::webhook::{Target, WebhookKey};

impl Account {
    /// Creates a stack that tracks the head of its branch.
    pub(crate) fn create_stack(
        &mut self,
        settings: StackSettings,
        hooks: Hooks,
        vendor: VendorConfig,
        space: &str,
        wanted_slug: Option<&str>,
    ) -> Result<&mut Stack, Refusal> {
        let space = self.spaces.existing(space)?;
        let id = self.stacks.new_id(&settings.name, wanted_slug)?;
        let head = self.repositories.head_of_stack(&settings);
        let stack = Stack::new(id, space, settings, hooks, vendor, head);
        Ok(self.stacks.add(stack, &mut self.ids))
    }

    /// Creates a stack as a test or a seed describes it.
    pub(crate) fn add_stack(&mut self, new: NewStack) -> Result<StackId, Refusal> {
        let vendor = new.vendor.config(&new.settings.name);
        let repository = new.settings.full_repository();
        let slug = new.slug.as_deref();
        let stack = self.create_stack(new.settings, Hooks::default(), vendor, &new.space, slug)?;
        stack.disabled = new.disabled;
        stack.needs_review = new.needs_review;
        stack.finds_changes = new.finds_changes;
        stack.changes_outputs = new.changes_outputs;
        stack.next_outcomes = vec![Outcome::FailsIn(RunState::Planning); new.fails_next];
        let id = stack.id.clone();
        if let Some(hash) = &new.commit {
            let commit = self.repositories.old_commit(&repository, hash);
            self.stacks.existing_mut(id.as_str())?.tracked_commit = commit;
        }
        for upstream in &new.native_upstream {
            self.create_dependency(id.as_str(), upstream, false)?;
        }
        Ok(id)
    }

    pub(crate) fn lock_stack(&mut self, stack: &str, by: &str, note: Option<String>) -> Result<(), Refusal> {
        let stack = self.stacks.existing_mut(stack)?;
        stack.set_lock(by, note)?;
        let stack = stack.id.clone();
        self.log.add(Some(by), LogAction::Lock { stack });
        Ok(())
    }

    pub(crate) fn unlock_stack(&mut self, stack: &str, by: &str) -> Result<(), Refusal> {
        let stack = self.stacks.existing_mut(stack)?;
        stack.remove_lock(by)?;
        let stack = stack.id.clone();
        self.log.add(Some(by), LogAction::Unlock { stack });
        Ok(())
    }

    pub(crate) fn create_dependency(
        &mut self,
        stack: &str,
        depends_on: &str,
        trigger_always: bool,
    ) -> Result<NativeDependency, Refusal> {
        let stack = self.stacks.existing(stack)?.id.clone();
        let depends_on = self.stacks.existing(depends_on)?.id.clone();
        self.dependencies
            .create(self.ids.ulid(), stack, depends_on, trigger_always)
    }

    /// Adds a reference to an output, and the dependency if there is none yet.
    pub(crate) fn refer_to_output(
        &mut self,
        stack: &str,
        depends_on: &str,
        trigger_always: bool,
    ) -> Result<(), Refusal> {
        let id = match self.dependencies.between(stack, depends_on) {
            Some(known) => known.id.clone(),
            None => self.create_dependency(stack, depends_on, false)?.id,
        };
        let reference = DependencyReference {
            id: self.ids.ulid(),
            output_name: "output".to_owned(),
            input_name: "TF_VAR_input".to_owned(),
            input_type: ENVIRONMENT_VARIABLE.to_owned(),
            trigger_always,
        };
        let dependency = self.dependencies.existing_mut(&id)?;
        dependency.references.push(reference);
        Ok(())
    }

    pub(crate) fn attach_context(
        &mut self,
        context: &str,
        stack: &str,
        priority: i32,
    ) -> Result<ContextAttachment, Refusal> {
        let attachment = ContextAttachment {
            context: self.contexts.existing_mut(context)?.id.clone(),
            id: self.ids.ulid(),
            priority,
        };
        self.stacks.existing_mut(stack)?.attach(attachment.clone())?;
        Ok(attachment)
    }

    /// `None` if the context does not exist. Its attachments are deleted too.
    pub(crate) fn delete_context(&mut self, id: &str) -> Option<SpaceContext> {
        self.stacks.detach_context(id);
        self.contexts.remove(id)
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
        let stack = self.stacks.all().find(|stack| stack.space == *space);
        let context = self.contexts.all().find(|context| context.space == *space);
        let blueprint = self.blueprints.all().find(|blueprint| blueprint.space == *space);
        let policy = self.policies.all().find(|policy| policy.space == *space);
        let webhook = self.named_webhooks.all().find(|webhook| webhook.space == *space);
        None.or(child.map(|child| format!("space `{}`", child.id)))
            .or(stack.map(|stack| format!("stack `{}`", stack.id)))
            .or(context.map(|context| format!("context `{}`", context.id)))
            .or(blueprint.map(|blueprint| format!("blueprint `{}`", blueprint.id)))
            .or(policy.map(|policy| format!("policy `{}`", policy.id)))
            .or(webhook.map(|webhook| format!("webhook `{}`", webhook.id)))
    }

    /// Gives a role to somebody who exists.
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
            Holder::Stack(id) => ("stack", id.as_str(), self.stacks.get(id).is_some()),
        };
        if !is_known {
            return Err(Refusal::unknown(what, id));
        }
        let binding = RoleBinding {
            space: self.spaces.existing(space)?,
            id: self.ids.ulid(),
            role: role.to_owned(),
            holder,
        };
        self.roles.bind(binding.clone());
        Ok(binding)
    }

    /// Records the result of a delivery, which may disable its webhook.
    pub(crate) fn note_delivery(&mut self, webhook: &WebhookKey, succeeded: bool) {
        if let Some(target) = self.target_mut(webhook) {
            target.delivered(succeeded);
        }
    }

    fn target_mut(&mut self, webhook: &WebhookKey) -> Option<&mut Target> {
        match webhook {
            WebhookKey::Stack { stack, id } => {
                let webhook = self.stacks.get_mut(stack)?.webhook_mut(id).ok()?;
                Some(&mut webhook.target)
            }
            WebhookKey::Named(id) => Some(&mut self.named_webhooks.existing_mut(id).ok()?.target),
            WebhookKey::AuditTrail => self.audit_trail.as_mut().map(|trail| &mut trail.target),
        }
    }
}
