//! Named webhooks: addresses that notification policies send to.

mod create;
mod delete;
mod search;
mod update;

use chain::SpaceId;
use secrecy::SecretString;

/// The fragment's generated type. Each operation that uses the fragment generates an identical one; this one is used
/// for all.
pub(super) use self::create::named_webhook_create::WebhookFields;
use super::id;
use crate::transport::Unusable;

/// A named webhook, without its secret: nothing here needs to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedWebhook {
    /// Spacelift's slug of its name: the `endpoint_id` of policies.
    pub id: String,
    pub name: String,
    /// Spacelift disables it after ten failures in a row.
    pub enabled: bool,
    pub endpoint: String,
    pub space: SpaceId,
    pub labels: Vec<String>,
    /// Whether Spacelift tries again after a 5xx.
    pub retry_on_failure: bool,
}

/// The settings of a named webhook. An update replaces all of them, so the secret is always included.
#[derive(Debug, Clone)]
pub struct NewNamedWebhook {
    pub name: String,
    pub enabled: bool,
    pub endpoint: String,
    pub space: SpaceId,
    pub secret: SecretString,
    pub labels: Vec<String>,
    pub retry_on_failure: bool,
}

impl NamedWebhook {
    pub(super) fn from_fields(webhook: WebhookFields) -> Result<Self, Unusable> {
        Ok(Self {
            id: webhook.id,
            name: webhook.name,
            enabled: webhook.enabled,
            endpoint: webhook.endpoint,
            space: id(webhook.space.id)?,
            labels: webhook.labels.unwrap_or_default(),
            retry_on_failure: webhook.retry_on_failure.unwrap_or_default(),
        })
    }
}
