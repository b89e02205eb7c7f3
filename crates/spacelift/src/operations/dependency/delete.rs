//! Deletes one of Spacelift's own dependencies.

use graphql_client::GraphQLQuery;

use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/dependency/delete.graphql"
)]
struct DependencyDelete;

impl Spacelift {
    /// Deletes one of Spacelift's own dependencies. Says whether there was one: deleting what is gone is no error.
    pub async fn delete_stack_dependency(&self, id: &str) -> Result<bool, Error> {
        let variables = dependency_delete::Variables { id: id.to_owned() };
        self.mutate::<DependencyDelete, _>(variables, |data| Ok(data.stack_dependency_delete.is_some()))
            .await
    }
}
