//! Named webhooks: they belong to a space, and receive what notification policies send them.

use std::collections::BTreeMap;

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::refusal::Refusal;
use crate::model::slug::slug;
use crate::model::space::ROOT;
use crate::model::webhook::{NamedWebhook, Target};

/// A named webhook to be created.
#[derive(Debug, Clone)]
pub struct NewNamedWebhook {
    pub name: String,
    pub url: String,
    pub secret: String,
    pub space: String,
    pub labels: Vec<String>,
    pub enabled: bool,
    pub retry_on_failure: bool,
}

impl NewNamedWebhook {
    /// A webhook of the root space.
    pub fn named(name: &str, url: &str, secret: &str) -> Self {
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            secret: secret.to_owned(),
            space: ROOT.to_owned(),
            labels: Vec::new(),
            enabled: true,
            retry_on_failure: false,
        }
    }

    fn target(&self) -> Target {
        Target {
            enabled: self.enabled,
            retry_on_failure: self.retry_on_failure,
            ..Target::new(&self.url, &self.secret)
        }
    }
}

impl Account {
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
            space: self.existing_space(&new.space)?,
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
        let space = self.existing_space(&new.space)?;
        let webhook = self.named_webhook_mut(id)?;
        webhook.target = new.target();
        webhook.space = space;
        webhook.name = new.name;
        webhook.labels = new.labels;
        Ok(webhook.clone())
    }

    pub(crate) fn named_webhook_mut(&mut self, id: &str) -> Result<&mut NamedWebhook, Refusal> {
        self.named_webhooks.get_mut(id).ok_or_else(|| Refusal::Unknown {
            what: "webhook",
            id: id.to_owned(),
        })
    }
}
