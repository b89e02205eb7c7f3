//! All named webhooks, page by page.

use graphql_client::GraphQLQuery;

use super::NamedWebhook;
use crate::operations::page::{self, Page};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/webhook/search.graphql",
    variable_types("crate::operations::page::SearchInput")
)]
struct SearchNamedWebhooks;

super::webhook_from!(search_named_webhooks);

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
    let webhooks = found
        .edges
        .into_iter()
        .map(|edge| webhook_from(edge.node))
        .collect::<Result<_, _>>()?;
    Ok(Page::new(
        webhooks,
        found.page_info.has_next_page,
        found.page_info.end_cursor,
    ))
}
