//! Changes a named webhook.

use graphql_client::GraphQLQuery;

use super::create::input;
use super::{NamedWebhook, NewNamedWebhook};
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/webhook/webhooks.graphql",
    variable_types(
        "String",
        "crate::operations::webhook::create::named_webhook_create::NamedWebhooksIntegrationInput"
    ),
    response_type = "crate::operations::webhook::WebhookFields"
)]
struct NamedWebhookUpdate;

impl Spacelift {
    /// Replaces all settings of a named webhook.
    pub async fn update_named_webhook(
        &self,
        id: &str,
        webhook: &NewNamedWebhook,
    ) -> Result<NamedWebhook, Error> {
        let variables = named_webhook_update::Variables {
            id: id.to_owned(),
            input: input(webhook),
        };
        self.mutate::<NamedWebhookUpdate, _>(variables, |data| {
            NamedWebhook::from_fields(data.named_webhooks_integration_update)
        })
        .await
    }
}
