//! Ends a run right after a check of its state.

use chain::{RunId, RunState, RunType, StackId};
use graphql_client::GraphQLQuery;

use super::Run;
use super::discard::{RunDiscard, run_discard};
use crate::{Error, Reservation, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("RunState", "RunType"),
    response_type = "crate::operations::run::RunFields"
)]
struct RunCancel;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/stacks_and_runs.graphql",
    extern_enums("RunState", "RunType"),
    response_type = "crate::operations::run::RunFields"
)]
struct RunStop;

/// How a run ends before it applies anything, which depends on its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunEnd {
    /// Its plan, which waits for a confirmation, is never applied.
    Discard,
    /// It does not start.
    Cancel,
    /// It stops while it works.
    Stop,
}

impl Spacelift {
    /// Ends a run without a wait before that. It is not sent again with another token.
    pub async fn end_reserved_run(
        &self,
        reservation: Reservation,
        stack: &StackId,
        run: &RunId,
        how: RunEnd,
        note: Option<&str>,
    ) -> Result<Run, Error> {
        let (stack, run, note) = (stack.to_string(), run.to_string(), note.map(str::to_owned));
        match how {
            RunEnd::Discard => {
                let variables = run_discard::Variables { stack, run, note };
                self.perform_reserved::<RunDiscard, _>(reservation, None, variables, |data| {
                    Run::from_fields(data.run_discard)
                })
                .await
            }
            RunEnd::Cancel => {
                let variables = run_cancel::Variables { stack, run, note };
                self.perform_reserved::<RunCancel, _>(reservation, None, variables, |data| {
                    Run::from_fields(data.run_cancel)
                })
                .await
            }
            RunEnd::Stop => {
                let variables = run_stop::Variables { stack, run, note };
                self.perform_reserved::<RunStop, _>(reservation, None, variables, |data| {
                    Run::from_fields(data.run_stop)
                })
                .await
            }
        }
    }
}
