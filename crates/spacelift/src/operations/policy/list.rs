//! All policies.

use graphql_client::GraphQLQuery;

use super::{Policy, PolicyType};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/policy/policies.graphql",
    extern_enums("PolicyType")
)]
pub(super) struct Policies;

impl Spacelift {
    /// All policies that this key may see.
    pub async fn policies(&self) -> Result<Vec<Policy>, Error> {
        self.query::<Policies, _>(policies::Variables {}, convert).await
    }
}

fn convert(data: policies::ResponseData) -> Result<Vec<Policy>, Unusable> {
    data.policies.into_iter().map(Policy::from_fields).collect()
}
