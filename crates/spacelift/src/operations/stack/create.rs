//! Makes a stack.

use chain::RunState as StackState;
use graphql_client::GraphQLQuery;

use super::new::{NewStack, stack_input};
use super::{Stack, VCSProvider};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stack/create.graphql",
    extern_enums("StackState", "VCSProvider"),
    fragments_other_variant = "true",
    variables_derives = "Default, Debug, Clone, PartialEq",
    skip_serializing_none
)]
pub(super) struct StackCreate;

super::stack_from!(stack_create);

impl Spacelift {
    /// Makes a stack of any kind. It makes no run.
    pub async fn create_stack(&self, stack: &NewStack) -> Result<Stack, Error> {
        let variables = stack_create::Variables {
            input: stack_input(stack),
            manage_state: stack.manage_state,
            slug: stack.slug.clone(),
        };
        self.mutate::<StackCreate, _>(variables, convert).await
    }
}

fn convert(data: stack_create::ResponseData) -> Result<Stack, Unusable> {
    stack_from(data.stack_create)
}
