//! The webhooks of spaces, which have names.

use std::collections::BTreeMap;

use crate::account::parts::spaces::Spaces;
use crate::model::clock::Timestamp;
use crate::model::named_webhook::NewNamedWebhook;
use crate::model::refusal::Refusal;
use crate::model::slug::slug;
use crate::model::webhook::NamedWebhook;

#[derive(Debug, Default)]
pub(crate) struct NamedWebhooks {
    by_id: BTreeMap<String, NamedWebhook>,
}

impl NamedWebhooks {
    pub(crate) fn all(&self) -> impl Iterator<Item = &NamedWebhook> {
        self.by_id.values()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&NamedWebhook> {
        self.by_id.get(id)
    }

    pub(crate) fn existing_mut(&mut self, id: &str) -> Result<&mut NamedWebhook, Refusal> {
        self.by_id
            .get_mut(id)
            .ok_or_else(|| Refusal::unknown("webhook", id))
    }

    pub(crate) fn create(&mut self, new: NewNamedWebhook, spaces: &Spaces) -> Result<NamedWebhook, Refusal> {
        let id = slug("webhook", &new.name)?;
        if self.by_id.contains_key(&id) {
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
            space: spaces.existing(&new.space)?,
            target: new.target(),
            name: new.name,
            labels: new.labels,
            headers: BTreeMap::new(),
            created_at: Timestamp::now(),
        };
        self.by_id.insert(id, webhook.clone());
        Ok(webhook)
    }

    /// Also enables a webhook again that was disabled, and resets its failures.
    pub(crate) fn update(
        &mut self,
        id: &str,
        new: NewNamedWebhook,
        spaces: &Spaces,
    ) -> Result<NamedWebhook, Refusal> {
        let space = spaces.existing(&new.space)?;
        let webhook = self.existing_mut(id)?;
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

    pub(crate) fn remove(&mut self, id: &str) -> Option<NamedWebhook> {
        self.by_id.remove(id)
    }
}
