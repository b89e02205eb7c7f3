//! One stack with its newest runs: what is needed before a run is triggered, in one request.

use chain::{RunState, RunState as StackState, RunType, StackId};
use graphql_client::GraphQLQuery;

use crate::operations::run::run_from;
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stack/with_runs.graphql",
    extern_enums("RunState", "RunType", "StackState"),
    fragments_other_variant = "true"
)]
struct StackWithRuns;

super::stack_from!(stack_with_runs);
run_from!(stack_with_runs);

impl Spacelift {
    /// The stack and its newest tracked runs, from one request. `None` if there is no stack of that id that this key
    /// may see.
    pub async fn stack_with_runs(&self, id: &StackId) -> Result<Option<super::StackWithRuns>, Error> {
        self.query::<StackWithRuns, _>(stack_with_runs::Variables { id: id.to_string() }, convert)
            .await
    }
}

fn convert(data: stack_with_runs::ResponseData) -> Result<Option<super::StackWithRuns>, Unusable> {
    let Some(found) = data.stack else { return Ok(None) };
    Ok(Some(super::StackWithRuns {
        stack: stack_from(found.stack_fields)?,
        runs: found.runs.into_iter().map(run_from).collect::<Result<_, _>>()?,
    }))
}
