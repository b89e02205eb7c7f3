//! Creates a stack.

use chain::RunState as StackState;
use graphql_client::GraphQLQuery;

use super::new::{NewStack, stack_input};
use super::{Stack, VCSProvider};
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("StackState", "VCSProvider"),
    variables_derives = "Default, Debug, Clone, PartialEq",
    skip_serializing_none,
    response_type = "crate::operations::stack::StackFields"
)]
pub(super) struct StackCreate;

impl Spacelift {
    /// Creates a stack of any kind. It triggers no run.
    pub async fn create_stack(&self, stack: &NewStack) -> Result<Stack, Error> {
        let variables = stack_create::Variables {
            input: stack_input(stack),
            manage_state: stack.manage_state,
            slug: stack.slug.clone(),
        };
        self.mutate::<StackCreate, _>(variables, |data| Stack::from_fields(data.stack_create))
            .await
    }
}
