//! Deletes a native dependency.

use graphql_client::GraphQLQuery;

use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/dependency/delete.graphql"
)]
struct DependencyDelete;

impl Spacelift {
    /// Deletes a native dependency. Returns whether it existed: deleting it again is no error.
    pub async fn delete_stack_dependency(&self, id: &str) -> Result<bool, Error> {
        let variables = dependency_delete::Variables { id: id.to_owned() };
        self.mutate::<DependencyDelete, _>(variables, |data| Ok(data.stack_dependency_delete.is_some()))
            .await
    }
}
