//! Makes one stack depend on another.

use chain::StackId;
use graphql_client::GraphQLQuery;

use super::StackDependency;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/dependency/dependencies.graphql",
    skip_serializing_none
)]
pub(super) struct StackDependencyCreate;

impl Spacelift {
    /// Makes `stack` depend on `depends_on`. Spacelift refuses a dependency that would create a cycle.
    pub async fn create_stack_dependency(
        &self,
        stack: &StackId,
        depends_on: &StackId,
    ) -> Result<StackDependency, Error> {
        let input = stack_dependency_create::StackDependencyInput {
            stack_id: stack.to_string(),
            depends_on_stack_id: depends_on.to_string(),
            trigger_always: None,
        };
        self.mutate::<StackDependencyCreate, _>(stack_dependency_create::Variables { input }, |data| {
            StackDependency::from_fields(data.stack_dependency_create)
        })
        .await
    }
}
