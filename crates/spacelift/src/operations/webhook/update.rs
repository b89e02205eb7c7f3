//! Changes a named webhook.

use graphql_client::GraphQLQuery;

use super::create::input;
use super::{NamedWebhook, NewNamedWebhook};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/webhook/update.graphql",
    variable_types(
        "String",
        "crate::operations::webhook::create::named_webhook_create::NamedWebhooksIntegrationInput"
    )
)]
struct NamedWebhookUpdate;

super::webhook_from!(named_webhook_update);

impl Spacelift {
    /// Makes a named webhook what it shall be.
    pub async fn update_named_webhook(
        &self,
        id: &str,
        webhook: &NewNamedWebhook,
    ) -> Result<NamedWebhook, Error> {
        let variables = named_webhook_update::Variables {
            id: id.to_owned(),
            input: input(webhook),
        };
        self.mutate::<NamedWebhookUpdate, _>(variables, convert).await
    }
}

fn convert(data: named_webhook_update::ResponseData) -> Result<NamedWebhook, Unusable> {
    webhook_from(data.named_webhooks_integration_update)
}
