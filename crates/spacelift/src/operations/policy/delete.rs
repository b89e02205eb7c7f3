//! Deletes a policy.

use graphql_client::GraphQLQuery;

use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/policy/delete.graphql"
)]
struct PolicyDelete;

impl Spacelift {
    /// Deletes a policy. Returns whether it existed: deleting it again is no error.
    pub async fn delete_policy(&self, id: &str) -> Result<bool, Error> {
        let variables = policy_delete::Variables { id: id.to_owned() };
        self.mutate::<PolicyDelete, _>(variables, |data| Ok(data.policy_delete.is_some()))
            .await
    }
}
