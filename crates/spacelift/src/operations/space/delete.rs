//! Deletes a space.

use chain::SpaceId;
use graphql_client::GraphQLQuery;

use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/space/delete.graphql"
)]
struct SpaceDelete;

impl Spacelift {
    /// Deletes a space. Returns whether it existed: deleting it again is no error.
    pub async fn delete_space(&self, id: &SpaceId) -> Result<bool, Error> {
        let variables = space_delete::Variables {
            space: id.to_string(),
        };
        self.mutate::<SpaceDelete, _>(variables, |data| Ok(data.space_delete.is_some()))
            .await
    }
}
