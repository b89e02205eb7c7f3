//! Retries a failed run: creates a new one of the same commit.

use chain::{RunId, RunState, RunType, StackId};
use graphql_client::GraphQLQuery;

use super::Run;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("RunState", "RunType"),
    response_type = "crate::operations::run::RunFields"
)]
struct RunRetry;

impl Spacelift {
    /// Retries a failed run: creates a new one of the same commit.
    pub async fn retry_run(&self, stack: &StackId, run: &RunId) -> Result<Run, Error> {
        let (stack, run) = (stack.to_string(), run.to_string());
        self.mutate::<RunRetry, _>(run_retry::Variables { stack, run }, |data| {
            Run::from_fields(data.run_retry)
        })
        .await
    }
}
