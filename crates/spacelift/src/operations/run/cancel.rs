//! Cancels a run that has not started.

use chain::{RunId, RunState, RunType, StackId};
use graphql_client::GraphQLQuery;

use super::Run;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/run/cancel.graphql",
    extern_enums("RunState", "RunType")
)]
struct RunCancel;

super::run_from!(run_cancel);

impl Spacelift {
    /// Cancels a run that has not started.
    pub async fn cancel_run(&self, stack: &StackId, run: &RunId, note: Option<&str>) -> Result<Run, Error> {
        let (stack, run, note) = (stack.to_string(), run.to_string(), note.map(str::to_owned));
        self.mutate::<RunCancel, _>(run_cancel::Variables { stack, run, note }, convert)
            .await
    }
}

fn convert(data: run_cancel::ResponseData) -> Result<Run, Unusable> {
    run_from(data.run_cancel)
}
