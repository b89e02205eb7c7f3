//! Deletes a context.

use graphql_client::GraphQLQuery;

use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/context/delete.graphql"
)]
struct ContextDelete;

impl Spacelift {
    /// Deletes a context. Returns whether it existed: deleting it again is no error.
    pub async fn delete_context(&self, id: &str) -> Result<bool, Error> {
        let variables = context_delete::Variables { id: id.to_owned() };
        self.mutate::<ContextDelete, _>(variables, |data| Ok(data.context_delete.is_some()))
            .await
    }
}
