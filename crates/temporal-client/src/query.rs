//! Queries workflows.

use temporalio_client::errors::WorkflowQueryError;
use temporalio_client::{WorkflowHandle, WorkflowQueryOptions};
use temporalio_common::{HasWorkflowDefinition, QueryDefinition};

use crate::contract::EARLY_QUERY;
use crate::{TemporalError, WorkflowClient};

impl WorkflowClient {
    /// The answer of a workflow. A query that came too early for a worker is sent once more: now it waits for the
    /// worker's task.
    pub(crate) async fn query<W, Q>(
        &self,
        workflow: &str,
        query: Q,
        input: Q::Input,
    ) -> Result<Q::Output, TemporalError>
    where
        W: HasWorkflowDefinition,
        Q: QueryDefinition<Workflow = W::Run> + Copy,
        Q::Input: Send + Clone,
    {
        let handle: WorkflowHandle<_, W> = self.client.get_workflow_handle(workflow);
        let send = |input| handle.query(query, input, WorkflowQueryOptions::default());
        let answer = match send(input.clone()).await {
            Err(WorkflowQueryError::Rpc(status)) if status.message().contains(EARLY_QUERY) => {
                send(input).await
            }
            answer => answer,
        };
        answer.map_err(|error| TemporalError::new(format!("query `{workflow}`"), error))
    }
}
