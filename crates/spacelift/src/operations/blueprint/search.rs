//! All blueprints, page by page.

use graphql_client::GraphQLQuery;

use super::{Blueprint, BlueprintInputType};
use crate::operations::page::{self, Page};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/blueprint/search.graphql",
    extern_enums("BlueprintInputType"),
    variable_types("crate::operations::page::SearchInput")
)]
struct SearchBlueprints;

super::blueprint_from!(search_blueprints);

impl Spacelift {
    /// All blueprints that this key may see.
    pub async fn blueprints(&self) -> Result<Vec<Blueprint>, Error> {
        page::all("SearchBlueprints", |after| async move {
            let input = page::search_input(after);
            self.query::<SearchBlueprints, _>(search_blueprints::Variables { input }, convert)
                .await
        })
        .await
    }
}

fn convert(data: search_blueprints::ResponseData) -> Result<Page<Blueprint>, Unusable> {
    let found = data.search_blueprints.ok_or(Unusable::Anonymous)?;
    let blueprints = found
        .edges
        .into_iter()
        .map(|edge| blueprint_from(edge.node))
        .collect::<Result<_, _>>()?;
    Ok(Page::new(
        blueprints,
        found.page_info.has_next_page,
        found.page_info.end_cursor,
    ))
}
