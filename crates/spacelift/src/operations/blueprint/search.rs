//! All blueprints, page by page.

use graphql_client::GraphQLQuery;

use super::{Blueprint, BlueprintInputType};
use crate::operations::page::{self, Page};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/blueprint/blueprints.graphql",
    extern_enums("BlueprintInputType"),
    variable_types("crate::operations::page::SearchInput"),
    response_type = "crate::operations::page::Search<crate::operations::blueprint::BlueprintFields>"
)]
struct SearchBlueprints;

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
    found.page().try_map(Blueprint::from_fields)
}
