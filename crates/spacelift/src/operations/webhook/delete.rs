//! Deletes a named webhook.

use graphql_client::GraphQLQuery;

use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/webhook/delete.graphql"
)]
struct WebhookDelete;

impl Spacelift {
    /// Deletes a named webhook. Returns whether it existed: deleting it again is no error.
    pub async fn delete_named_webhook(&self, id: &str) -> Result<bool, Error> {
        let variables = webhook_delete::Variables { id: id.to_owned() };
        self.mutate::<WebhookDelete, _>(variables, |data| {
            Ok(data.named_webhooks_integration_delete.is_some())
        })
        .await
    }
}
