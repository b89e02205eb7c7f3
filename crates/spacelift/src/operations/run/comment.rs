//! Adds a comment to a run.

use chain::{RunId, StackId};
use graphql_client::GraphQLQuery;

use crate::{Error, Spacelift};

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "schema.graphql",
    query_path = "src/operations/run/comment.graphql"
)]
struct RunComment;

impl Spacelift {
    /// Adds a comment, in Markdown, to a run.
    pub async fn comment_run(&self, stack: &StackId, run: &RunId, body: &str) -> Result<(), Error> {
        let (stack, run, body) = (stack.to_string(), run.to_string(), body.to_owned());
        self.mutate::<RunComment, _>(run_comment::Variables { stack, run, body }, |_| Ok(()))
            .await
    }
}
