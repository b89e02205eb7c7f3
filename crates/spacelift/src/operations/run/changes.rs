//! The resources that a run changed.

use std::collections::BTreeSet;

use chain::changes::ReportedChanges;
use chain::{RunId, StackId};
use graphql_client::GraphQLQuery;

use crate::transport::Unusable;
use crate::{Error, ErrorClass, ErrorKind, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/run/changes.graphql"
)]
struct RunChanges;

impl Spacelift {
    /// Which of the known stacks a run changed, or why nobody can say. It is an error where Spacelift may say it later.
    pub async fn changed_stacks(
        &self,
        stack: &StackId,
        run: &RunId,
        known: &BTreeSet<StackId>,
    ) -> Result<chain::RunChanges, Error> {
        let changes = async {
            let reported = self.reported_changes(stack, run).await?;
            if let Some(changes) = reported.without_resources() {
                return Ok(changes);
            }
            Ok(reported.stacks(&self.managed_resources(stack).await?, known))
        };
        changes.await.or_else(|error: Error| {
            // An answer that is too large, or that is not as expected, would be the same next time.
            let is_unreadable = matches!(
                error.kind,
                ErrorKind::NotGraphQl { status: 200..300, .. } | ErrorKind::UnexpectedData { .. }
            );
            match error.class() {
                ErrorClass::Transient | ErrorClass::Ambiguous if !is_unreadable => Err(error),
                _ => Ok(chain::RunChanges::Unknown {
                    why: error.to_string(),
                }),
            }
        })
    }

    async fn reported_changes(&self, stack: &StackId, run: &RunId) -> Result<ReportedChanges, Error> {
        let variables = run_changes::Variables {
            stack: stack.to_string(),
            run: run.to_string(),
        };
        self.query::<RunChanges, _>(variables, convert).await
    }
}

fn convert(data: run_changes::ResponseData) -> Result<ReportedChanges, Unusable> {
    let run = data.stack.and_then(|stack| stack.run).ok_or(Unusable::Missing)?;
    let phases = run.changes_v3.unwrap_or_default();
    let resources = phases.into_iter().filter_map(|phase| phase.resources).flatten();
    Ok(ReportedChanges {
        addresses: resources.filter_map(|resource| resource.address).collect(),
        count: run
            .delta
            .as_ref()
            .map(|delta| delta.add_count + delta.change_count + delta.delete_count),
        deleted: run.delta.map(|delta| delta.delete_count),
    })
}
