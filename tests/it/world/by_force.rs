//! What an operator or an accident can do to workflows in Temporal.

use chain::{Chain, ChainId};
use temporal_client::contract::{ChainInput, ExecutionInput, VERSION};
use temporal_client::definition::{StackDependencyChainWorkflow, StackExecutionWorkflow};
use temporal_client::id;
use temporalio_client::{UntypedWorkflow, WorkflowStartOptions, WorkflowTerminateOptions};
use temporalio_common::data_converters::RawValue;

use super::World;

impl World {
    /// Terminates the schedule, as an operator might.
    pub(crate) async fn terminate_schedule(&self) {
        self.terminate(&id::schedule(&self.account)).await;
    }

    /// Terminates a workflow, if it is open.
    pub(crate) async fn terminate(&self, workflow: &str) {
        let client = self.workflows.client();
        let handle = client.get_workflow_handle::<UntypedWorkflow>(workflow);
        let _ = handle.terminate(WorkflowTerminateOptions::default()).await;
    }

    /// Opens a chain that no schedule knows.
    pub(crate) async fn open_chain(&self, id: &ChainId, plan: Chain) {
        let input = ChainInput {
            version: VERSION,
            id: id.clone(),
            root: plan.root.clone(),
            by: None,
            timing: self.workflows.settings().timing.clone(),
            chain: Some(Box::new(plan)),
            refused: None,
            resume: None,
            audit: None,
            notified: false,
            opened_at_ms: None,
            notice: None,
        };
        let options = WorkflowStartOptions::new(&self.workflows.settings().task_queue, id.as_str());
        self.workflows
            .client()
            .start_workflow(StackDependencyChainWorkflow, input, options.build())
            .await
            .unwrap();
    }

    /// Starts an attempt to run a stack, for no chain, that no schedule knows.
    pub(crate) async fn start_attempt(&self, stack: &str) {
        let request = serde_json::json!({"account": self.account, "stack": stack, "needs": []});
        let input = ExecutionInput {
            version: VERSION,
            request: serde_json::from_value(request).unwrap(),
            timing: self.workflows.settings().timing.clone(),
        };
        let id = id::execution(&self.account, &stack.parse().unwrap());
        let options = WorkflowStartOptions::new(&self.workflows.settings().task_queue, &id);
        self.workflows
            .client()
            .start_workflow(StackExecutionWorkflow, input, options.build())
            .await
            .unwrap();
    }

    /// Opens a chain that never answers the query for its state, since no worker can read its input.
    pub(crate) async fn open_unreadable_chain(&self, chain: &ChainId) {
        let options = WorkflowStartOptions::new(&self.workflows.settings().task_queue, chain.as_str());
        let workflow = UntypedWorkflow::new(StackDependencyChainWorkflow::NAME);
        self.workflows
            .client()
            .start_workflow(workflow, RawValue::empty(), options.build())
            .await
            .unwrap();
    }
}
