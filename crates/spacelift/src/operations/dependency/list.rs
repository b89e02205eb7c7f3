//! The native dependencies of a stack.

use chain::StackId;
use graphql_client::GraphQLQuery;
use serde::Deserialize;

use super::{DependencyFields, StackDependency};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/dependency/dependencies.graphql",
    response_type = "crate::operations::dependency::list::DependentStack"
)]
struct StackDependencies;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DependentStack {
    depends_on: Vec<DependencyFields>,
}

impl Spacelift {
    /// The native dependencies of a stack. An unknown stack is `NotFound`.
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
        .map(StackDependency::from_fields)
        .collect()
}
