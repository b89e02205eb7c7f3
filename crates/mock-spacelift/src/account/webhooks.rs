//! Webhooks of stacks and of spaces.

use std::collections::BTreeMap;

use chain::StackId;

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::named_webhook::NewNamedWebhook;
use crate::model::refusal::Refusal;
use crate::model::slug::slug;
use crate::model::webhook::{NamedWebhook, NewWebhook, StackWebhook, Target, WebhookKey};

impl Account {
    /// Adds a webhook to all current and future stacks.
    pub(crate) fn add_webhook(&mut self, webhook: &NewWebhook) -> Result<(), Refusal> {
        self.webhooks_for_new_stacks.push(webhook.target.clone());
        let stacks: Vec<StackId> = self.stacks.keys().cloned().collect();
        stacks.iter().try_for_each(|stack| {
            self.attach_webhook(stack.as_str(), webhook.target.clone())
                .map(drop)
        })
    }

    pub(crate) fn attach_webhook(&mut self, stack: &str, target: Target) -> Result<StackWebhook, Refusal> {
        let webhook = StackWebhook {
            id: self.ulid(),
            target,
        };
        self.stack_mut(stack)?.webhooks.push(webhook.clone());
        Ok(webhook)
    }

    pub(crate) fn note_delivery(&mut self, key: &WebhookKey, succeeded: bool) {
        if let Some(target) = self.target_mut(key) {
            target.delivered(succeeded);
        }
    }

    fn target_mut(&mut self, key: &WebhookKey) -> Option<&mut Target> {
        match key {
            WebhookKey::Stack { stack, id } => {
                let webhooks = &mut self.stacks.get_mut(stack)?.webhooks;
                webhooks
                    .iter_mut()
                    .find(|webhook| webhook.id == *id)
                    .map(|webhook| &mut webhook.target)
            }
            WebhookKey::Named(id) => self.named_webhooks.get_mut(id).map(|webhook| &mut webhook.target),
            WebhookKey::AuditTrail => self.audit_trail.as_mut().map(|trail| &mut trail.target),
        }
    }

    pub(crate) fn create_named_webhook(&mut self, new: NewNamedWebhook) -> Result<NamedWebhook, Refusal> {
        let id = slug("webhook", &new.name)?;
        if self.named_webhooks.contains_key(&id) {
            return Err(Refusal::SlugTaken { what: "webhook" });
        }
        if !["http://", "https://"]
            .iter()
            .any(|scheme| new.url.starts_with(scheme))
        {
            return Err(Refusal::NotUrl { url: new.url });
        }
        let webhook = NamedWebhook {
            id: id.clone(),
            space: self.spaces.existing(&new.space)?,
            target: new.target(),
            name: new.name,
            labels: new.labels,
            headers: BTreeMap::new(),
            created_at: Timestamp::now(),
        };
        self.named_webhooks.insert(id, webhook.clone());
        Ok(webhook)
    }

    /// Also enables a webhook again that was disabled, and resets its failures.
    pub(crate) fn update_named_webhook(
        &mut self,
        id: &str,
        new: NewNamedWebhook,
    ) -> Result<NamedWebhook, Refusal> {
        let space = self.spaces.existing(&new.space)?;
        let webhook = self.named_webhook_mut(id)?;
        let secret = std::mem::take(&mut webhook.target.secret);
        webhook.target = new.target();
        // Without a secret, the old one stays.
        if webhook.target.secret.is_empty() {
            webhook.target.secret = secret;
        }
        webhook.space = space;
        webhook.name = new.name;
        webhook.labels = new.labels;
        Ok(webhook.clone())
    }

    pub(crate) fn named_webhook_mut(&mut self, id: &str) -> Result<&mut NamedWebhook, Refusal> {
        self.named_webhooks
            .get_mut(id)
            .ok_or_else(|| Refusal::unknown("webhook", id))
    }
}
