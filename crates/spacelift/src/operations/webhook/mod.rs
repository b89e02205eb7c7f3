//! Named webhooks: addresses that notification policies send to.

mod create;
mod delete;
mod search;
mod update;

use chain::SpaceId;
use secrecy::SecretString;

/// A named webhook, without its secret: nothing here needs to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedWebhook {
    /// Spacelift's slug of its name: what policies call `endpoint_id`.
    pub id: String,
    pub name: String,
    /// Spacelift switches it off after ten failures in a row.
    pub enabled: bool,
    pub endpoint: String,
    pub space: SpaceId,
    pub labels: Vec<String>,
    /// Whether Spacelift tries again after a 5xx.
    pub retry_on_failure: bool,
}

/// What a named webhook shall be. An update replaces all of it, so the secret is always part of it.
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

/// The generated type of the same fragment is another one in each operation; its conversion is written once.
macro_rules! webhook_from {
    ($module:ident) => {
        fn webhook_from(
            webhook: $module::WebhookFields,
        ) -> Result<$crate::NamedWebhook, $crate::transport::Unusable> {
            Ok($crate::NamedWebhook {
                id: webhook.id,
                name: webhook.name,
                enabled: webhook.enabled,
                endpoint: webhook.endpoint,
                space: $crate::operations::id(webhook.space.id)?,
                labels: webhook.labels.unwrap_or_default(),
                retry_on_failure: webhook.retry_on_failure.unwrap_or_default(),
            })
        }
    };
}
use webhook_from;
