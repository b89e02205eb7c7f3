//! Discards a run that waits for confirmation: its plan is never applied.

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
pub(super) struct RunDiscard;

impl Spacelift {
    /// Discards a run that waits for confirmation: its plan is never applied.
    pub async fn discard_run(&self, stack: &StackId, run: &RunId, note: Option<&str>) -> Result<Run, Error> {
        let (stack, run, note) = (stack.to_string(), run.to_string(), note.map(str::to_owned));
        self.mutate::<RunDiscard, _>(run_discard::Variables { stack, run, note }, |data| {
            Run::from_fields(data.run_discard)
        })
        .await
    }
}
