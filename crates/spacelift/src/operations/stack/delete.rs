//! Deletes a stack but not its resources.

use chain::StackId;
use graphql_client::GraphQLQuery;

use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stack/delete.graphql"
)]
struct StackDelete;

impl Spacelift {
    /// Deletes a stack but not its resources. Returns whether it existed: deleting it again is no error.
    pub async fn delete_stack(&self, id: &StackId) -> Result<bool, Error> {
        let variables = stack_delete::Variables { id: id.to_string() };
        self.mutate::<StackDelete, _>(variables, |data| Ok(data.stack_delete.is_some()))
            .await
    }
}
