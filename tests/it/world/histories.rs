//! Histories that Temporal recorded.

use futures::StreamExt;
use serde_json::Value;
use temporalio_client::{
    NamespacedClient, WorkflowExecutionInfo, WorkflowFetchHistoryOptions, WorkflowListOptions,
};

use super::World;

impl World {
    /// The histories of this world's workflows that match a filter of Temporal's list.
    pub(crate) async fn histories(&self, condition: &str) -> Vec<Value> {
        let query = format!("{condition} AND {}", self.all_workflows());
        let client = self.workflows.client();
        let mut found = client.list_workflows(query, WorkflowListOptions::default());
        let mut histories = Vec::new();
        while let Some(workflow) = found.next().await {
            let workflow = workflow.unwrap();
            let run = WorkflowExecutionInfo::builder()
                .namespace(client.namespace())
                .workflow_id(workflow.id())
                .run_id(workflow.run_id())
                .build();
            let handle = run.bind_untyped(client.clone());
            let history = handle.fetch_history(WorkflowFetchHistoryOptions::default());
            histories.push(serde_json::from_slice(&history.to_json().await.unwrap()).unwrap());
        }
        histories
    }
}
