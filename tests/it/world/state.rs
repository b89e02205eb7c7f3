//! What a failed test says about its world.

use std::fmt::Write as _;

use futures::TryStreamExt;
use temporalio_client::{
    UntypedWorkflow, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowListOptions,
};

use super::World;

impl World {
    /// Each workflow of this world, with what Temporal waits for if it is open, and each delivery of a webhook.
    pub(super) async fn state(&self) -> String {
        let client = self.workflows.client();
        let workflows = client.list_workflows(self.all_workflows(), WorkflowListOptions::default());
        let workflows: Vec<_> = workflows.try_collect().await.unwrap();
        let mut text = String::new();
        for workflow in workflows {
            let (id, status) = (workflow.id(), workflow.status());
            writeln!(text, "{id}: {status:?}").unwrap();
            if status != WorkflowExecutionStatus::Running {
                continue;
            }
            let handle = client.get_workflow_handle::<UntypedWorkflow>(id);
            let options = WorkflowDescribeOptions::default();
            let open = match handle.describe(options).await {
                Ok(described) => described.raw_description,
                Err(error) => {
                    writeln!(text, "  not described: {error}").unwrap();
                    continue;
                }
            };
            if let Some(task) = open.pending_workflow_task {
                let state = task.state();
                writeln!(text, "  workflow task: {state:?}, attempt {}", task.attempt).unwrap();
            }
            for activity in open.pending_activities {
                let state = activity.state();
                let name = activity.activity_type.unwrap_or_default().name;
                let failure = activity.last_failure.unwrap_or_default().message;
                let attempt = activity.attempt;
                writeln!(text, "  {name}: {state:?}, attempt {attempt}, {failure}").unwrap();
            }
        }
        for delivery in self.spacelift.deliveries() {
            writeln!(text, "{delivery:?}").unwrap();
        }
        text
    }
}
