//! All named webhooks, page by page.

use graphql_client::GraphQLQuery;

use super::NamedWebhook;
use crate::operations::page::{self, Page};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/webhook/webhooks.graphql",
    variable_types("crate::operations::page::SearchInput"),
    response_type = "crate::operations::page::Search<crate::operations::webhook::WebhookFields>"
)]
struct SearchNamedWebhooks;

impl Spacelift {
    /// All named webhooks that this key may see.
    pub async fn named_webhooks(&self) -> Result<Vec<NamedWebhook>, Error> {
        page::all("SearchNamedWebhooks", |after| async move {
            let input = page::search_input(after);
            self.query::<SearchNamedWebhooks, _>(search_named_webhooks::Variables { input }, convert)
                .await
        })
        .await
    }
}

fn convert(data: search_named_webhooks::ResponseData) -> Result<Page<NamedWebhook>, Unusable> {
    let found = data
        .search_named_webhooks_integrations
        .ok_or(Unusable::Anonymous)?;
    found.page().try_map(NamedWebhook::from_fields)
}
