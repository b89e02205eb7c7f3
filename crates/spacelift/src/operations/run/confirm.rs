//! Confirms a run that waits for confirmation, so that it applies its plan.

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
struct RunConfirm;

impl Spacelift {
    /// Confirms a run that waits for confirmation, so that it applies its plan.
    pub async fn confirm_run(&self, stack: &StackId, run: &RunId, note: Option<&str>) -> Result<Run, Error> {
        let (stack, run, note) = (stack.to_string(), run.to_string(), note.map(str::to_owned));
        self.mutate::<RunConfirm, _>(run_confirm::Variables { stack, run, note }, |data| {
            Run::from_fields(data.run_confirm)
        })
        .await
    }
}
