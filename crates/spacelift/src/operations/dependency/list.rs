//! What a stack depends on.

use chain::StackId;
use graphql_client::GraphQLQuery;

use super::StackDependency;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/dependency/list.graphql"
)]
struct StackDependencies;

super::dependency_from!(stack_dependencies);

impl Spacelift {
    /// What a stack depends on by Spacelift's own means. An unknown stack is `NotFound`.
    pub async fn stack_dependencies(&self, stack: &StackId) -> Result<Vec<StackDependency>, Error> {
        self.query::<StackDependencies, _>(
            stack_dependencies::Variables {
                id: stack.to_string(),
            },
            convert,
        )
        .await
    }
}

fn convert(data: stack_dependencies::ResponseData) -> Result<Vec<StackDependency>, Unusable> {
    data.stack
        .ok_or(Unusable::Missing)?
        .depends_on
        .into_iter()
        .map(dependency_from)
        .collect()
}
