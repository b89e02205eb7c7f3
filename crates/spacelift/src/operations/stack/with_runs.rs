//! One stack with its newest runs, in one request: the data for the decision to trigger a run.

use chain::{RunState, RunState as StackState, RunType, StackId};
use graphql_client::GraphQLQuery;
use serde::Deserialize;

use super::{Stack, StackFields};
use crate::operations::run::RunFields;
use crate::transport::Unusable;
use crate::{Error, Run, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("RunState", "RunType", "StackState"),
    response_type = "crate::operations::stack::with_runs::FoundStack"
)]
struct StackWithRuns;

#[derive(Deserialize)]
pub(crate) struct FoundStack {
    #[serde(flatten)]
    stack: StackFields,
    runs: Vec<RunFields>,
}

impl Spacelift {
    /// The stack and its newest tracked runs, in one request. `None` if the stack does not exist or this key may not
    /// see it.
    pub async fn stack_with_runs(&self, id: &StackId) -> Result<Option<super::StackWithRuns>, Error> {
        self.query::<StackWithRuns, _>(stack_with_runs::Variables { id: id.to_string() }, convert)
            .await
    }
}

fn convert(data: stack_with_runs::ResponseData) -> Result<Option<super::StackWithRuns>, Unusable> {
    let Some(found) = data.stack else { return Ok(None) };
    Ok(Some(super::StackWithRuns {
        stack: Stack::from_fields(found.stack)?,
        runs: found
            .runs
            .into_iter()
            .map(Run::from_fields)
            .collect::<Result<_, _>>()?,
    }))
}
