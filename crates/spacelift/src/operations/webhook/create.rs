//! Creates a named webhook.

use graphql_client::GraphQLQuery;
use secrecy::ExposeSecret;

use super::{NamedWebhook, NewNamedWebhook};
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/webhook/webhooks.graphql"
)]
pub(super) struct NamedWebhookCreate;

impl Spacelift {
    /// Creates a named webhook. Nothing is sent to it until a notification policy does so.
    pub async fn create_named_webhook(&self, webhook: &NewNamedWebhook) -> Result<NamedWebhook, Error> {
        let variables = named_webhook_create::Variables {
            input: input(webhook),
        };
        self.mutate::<NamedWebhookCreate, _>(variables, |data| {
            NamedWebhook::from_fields(data.named_webhooks_integration_create)
        })
        .await
    }
}

pub(super) fn input(webhook: &NewNamedWebhook) -> named_webhook_create::NamedWebhooksIntegrationInput {
    named_webhook_create::NamedWebhooksIntegrationInput {
        enabled: webhook.enabled,
        endpoint: webhook.endpoint.clone(),
        space: webhook.space.to_string(),
        name: webhook.name.clone(),
        secret: Some(webhook.secret.expose_secret().to_owned()),
        labels: Some(webhook.labels.clone()),
        retry_on_failure: Some(webhook.retry_on_failure),
    }
}
