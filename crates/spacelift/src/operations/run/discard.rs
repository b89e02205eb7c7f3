//! Discards a run that waits: its plan is never applied.

use chain::{RunId, RunState, RunType, StackId};
use graphql_client::GraphQLQuery;

use super::Run;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/run/discard.graphql",
    extern_enums("RunState", "RunType")
)]
struct RunDiscard;

super::run_from!(run_discard);

impl Spacelift {
    /// Discards a run that waits: its plan is never applied.
    pub async fn discard_run(&self, stack: &StackId, run: &RunId, note: Option<&str>) -> Result<Run, Error> {
        let (stack, run, note) = (stack.to_string(), run.to_string(), note.map(str::to_owned));
        self.mutate::<RunDiscard, _>(run_discard::Variables { stack, run, note }, convert)
            .await
    }
}

fn convert(data: run_discard::ResponseData) -> Result<Run, Unusable> {
    run_from(data.run_discard)
}
