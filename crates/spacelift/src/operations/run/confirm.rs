//! Confirms a run that waits for it, so that it applies its plan.

use chain::{RunId, RunState, RunType, StackId};
use graphql_client::GraphQLQuery;

use super::Run;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/run/confirm.graphql",
    extern_enums("RunState", "RunType")
)]
struct RunConfirm;

super::run_from!(run_confirm);

impl Spacelift {
    /// Confirms a run that waits for it, so that it applies its plan.
    pub async fn confirm_run(&self, stack: &StackId, run: &RunId, note: Option<&str>) -> Result<Run, Error> {
        let (stack, run, note) = (stack.to_string(), run.to_string(), note.map(str::to_owned));
        self.mutate::<RunConfirm, _>(run_confirm::Variables { stack, run, note }, convert)
            .await
    }
}

fn convert(data: run_confirm::ResponseData) -> Result<Run, Unusable> {
    run_from(data.run_confirm)
}
