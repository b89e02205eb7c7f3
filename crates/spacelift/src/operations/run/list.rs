//! The tracked runs of a stack.

use chain::{RunId, RunState, RunType, StackId};
use graphql_client::GraphQLQuery;

use serde::Deserialize;

use super::{Run, RunFields};
use crate::transport::Unusable;
use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("RunState", "RunType"),
    response_type = "crate::operations::run::list::StackRuns"
)]
struct Runs;

#[derive(Deserialize)]
pub(crate) struct StackRuns {
    runs: Vec<RunFields>,
}

impl Spacelift {
    /// Up to `limit` tracked runs of a stack, newest first: the latest ones, or those older than `before`.
    /// An unknown stack is `NotFound`.
    pub async fn runs(
        &self,
        stack: &StackId,
        limit: usize,
        before: Option<&RunId>,
    ) -> Result<Vec<Run>, Error> {
        let mut found: Vec<Run> = Vec::new();
        let mut before = before.cloned();
        while found.len() < limit {
            let variables = runs::Variables {
                stack: stack.to_string(),
                before: before.as_ref().map(RunId::to_string),
            };
            let page = self.query::<Runs, _>(variables, convert).await?;
            let last = page.last().map(|run| run.id.clone());
            // An empty page is the end. A page that ends where it began would loop forever.
            if last.is_none() || last == before {
                break;
            }
            before = last;
            found.extend(page);
        }
        found.truncate(limit);
        Ok(found)
    }
}

fn convert(data: runs::ResponseData) -> Result<Vec<Run>, Unusable> {
    data.stack
        .ok_or(Unusable::Missing)?
        .runs
        .into_iter()
        .map(Run::from_fields)
        .collect()
}
