//! Unlocks a stack.

use chain::StackId;
use graphql_client::GraphQLQuery;

use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stack/unlock.graphql"
)]
struct StackUnlock;

impl Spacelift {
    pub async fn unlock_stack(&self, id: &StackId) -> Result<(), Error> {
        self.mutate::<StackUnlock, _>(stack_unlock::Variables { id: id.to_string() }, |_| Ok(()))
            .await
    }
}
