//! Changes a stack. Spacelift takes all its settings at once, so this is a read, a change and a write.

use chain::{RunState as StackState, StackId};
use graphql_client::GraphQLQuery;

use super::Stack;
use crate::error::ErrorKind;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("StackState"),
    variable_types("String", "crate::operations::stack::create::stack_create::StackInput"),
    response_type = "crate::operations::stack::StackFields"
)]
struct StackUpdate;

impl Spacelift {
    /// Replaces the labels of a stack by what `change` returns for the current ones. If they are the same, nothing is
    /// written.
    ///
    /// Spacelift has no mutation for labels alone: all settings are read and written back. A change that somebody else
    /// makes in between is undone, and a setting that this version does not know may return to its default. A stack of
    /// an unknown kind is not changed, and the result is an error.
    pub async fn relabel_stack(
        &self,
        id: &StackId,
        change: impl FnOnce(Vec<String>) -> Vec<String>,
    ) -> Result<Stack, Error> {
        let mut input = self.stack_settings(id).await?;
        let before = input.labels.clone().unwrap_or_default();
        let after = change(before.clone());
        if after == before {
            return self.stack(id).await?.ok_or_else(|| Error {
                operation: "Stack".to_owned(),
                kind: ErrorKind::NotFound {
                    message: "not found".to_owned(),
                },
            });
        }
        input.labels = Some(after);
        let variables = stack_update::Variables {
            id: id.to_string(),
            input,
        };
        self.mutate::<StackUpdate, _>(variables, |data| Stack::from_fields(data.stack_update))
            .await
    }
}
