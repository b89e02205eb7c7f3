//! What a failed test says about its world, and what the schedule says about a stack.

use std::fmt::Write as _;
use std::time::Duration;

use futures::TryStreamExt;
use temporalio_client::{
    UntypedWorkflow, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowListOptions,
};

use super::{WAIT_MAX, World};

impl World {
    /// What the schedule answers to why a stack does not run.
    pub(crate) async fn why(&self, stack: &str) -> String {
        let stack = stack.parse().unwrap();
        let report = self.workflows.stack_report(&self.account, &stack).await.unwrap();
        report.map(|report| report.why).unwrap_or_default()
    }

    pub(crate) async fn wait_until_reason_contains(&self, stack: &str, expected: &str) {
        let says = async {
            while !self.why(stack).await.contains(expected) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let said = tokio::time::timeout(WAIT_MAX, says).await;
        assert!(said.is_ok(), "{stack}: {}", self.why(stack).await);
    }

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
