//! Makes a failed run again.

use chain::{RunId, RunState, RunType, StackId};
use graphql_client::GraphQLQuery;

use super::Run;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/run/retry.graphql",
    extern_enums("RunState", "RunType")
)]
struct RunRetry;

super::run_from!(run_retry);

impl Spacelift {
    /// Makes a failed run again.
    pub async fn retry_run(&self, stack: &StackId, run: &RunId) -> Result<Run, Error> {
        let (stack, run) = (stack.to_string(), run.to_string());
        self.mutate::<RunRetry, _>(run_retry::Variables { stack, run }, convert)
            .await
    }
}

fn convert(data: run_retry::ResponseData) -> Result<Run, Unusable> {
    run_from(data.run_retry)
}
