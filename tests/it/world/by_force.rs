//! What an operator or an accident can do to workflows in Temporal.

use std::time::Duration;

use chain::{Chain, ChainId};
use serde_json::Value;
use temporal_client::contract::{ChainInput, ExecutionInput, VERSION};
use temporal_client::definition::{StackDependencyChainWorkflow, StackExecutionWorkflow, TellSchedule};
use temporal_client::id;
use temporalio_client::errors::WorkflowStartError;
use temporalio_client::tonic::IntoRequest;
use temporalio_client::{
    NamespacedClient, UntypedSignal, UntypedWorkflow, WorkflowSignalOptions, WorkflowStartOptions,
    WorkflowTerminateOptions,
};
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::PendingActivityState;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, ResetWorkflowExecutionRequest,
};
use temporalio_common::{HasWorkflowDefinition, SignalDefinition};

use super::{WAIT_MAX, World};

impl World {
    /// Terminates the schedule, as an operator might.
    pub(crate) async fn terminate_schedule(&self) {
        self.terminate(&id::schedule(&self.account)).await;
    }

    /// Sends the schedule a signal that has no message in it.
    pub(crate) async fn signal_schedule_without_content(&self) {
        let client = self.workflows.client();
        let handle = client.get_workflow_handle::<UntypedWorkflow>(id::schedule(&self.account));
        let signal = UntypedSignal::new(SignalDefinition::name(&TellSchedule));
        let options = WorkflowSignalOptions::default();
        handle.signal(signal, RawValue::empty(), options).await.unwrap();
    }

    /// Terminates a workflow, if it is open.
    pub(crate) async fn terminate(&self, workflow: &str) {
        let client = self.workflows.client();
        let handle = client.get_workflow_handle::<UntypedWorkflow>(workflow);
        let _ = handle.terminate(WorkflowTerminateOptions::default()).await;
    }

    /// Resets a workflow to its beginning, as an operator might. Temporal sends it its signals again.
    pub(crate) async fn reset(&self, workflow: &str) {
        let history = self
            .histories(&format!("WorkflowId = '{workflow}'"))
            .await
            .remove(0);
        let events = history["events"].as_array().unwrap();
        let is_task_end = |event: &&Value| {
            let end = "/attributes/WorkflowTaskCompletedEventAttributes";
            event.pointer(end).is_some()
        };
        let first_task_end = events.iter().find(is_task_end).unwrap();
        let client = self.workflows.client();
        let execution = WorkflowExecution {
            workflow_id: workflow.to_owned(),
            run_id: String::new(),
        };
        let request = ResetWorkflowExecutionRequest {
            namespace: client.namespace(),
            workflow_execution: Some(execution),
            reason: "a test resets it".to_owned(),
            workflow_task_finish_event_id: first_task_end["event_id"].as_i64().unwrap(),
            request_id: uuid::Uuid::new_v4().to_string(),
            ..ResetWorkflowExecutionRequest::default()
        };
        let mut service = client.connection().workflow_service();
        let reset = service.reset_workflow_execution(request.into_request()).await;
        reset.unwrap();
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
        self.start_workflow(StackDependencyChainWorkflow, id.as_str(), input)
            .await;
    }

    /// Starts a workflow that Spillway would start otherwise.
    pub(crate) async fn start_workflow<W>(&self, workflow: W, id: &str, input: W::Input)
    where
        W: HasWorkflowDefinition,
        W::Input: Send,
    {
        let options = WorkflowStartOptions::new(&self.workflows.settings().task_queue, id);
        let client = self.workflows.client();
        client
            .start_workflow(workflow, input, options.build())
            .await
            .unwrap();
    }

    /// Waits until a worker tries a stack.
    pub(crate) async fn wait_for_attempt(&self, stack: &str) {
        let request = DescribeWorkflowExecutionRequest {
            namespace: self.workflows.client().namespace(),
            execution: Some(WorkflowExecution {
                workflow_id: id::execution(&self.account, &stack.parse().unwrap()),
                run_id: String::new(),
            }),
        };
        let mut service = self.workflows.client().connection().workflow_service();
        let started = tokio::time::timeout(WAIT_MAX, async {
            loop {
                let described = service.describe_workflow_execution(request.clone().into_request());
                // There may be no execution yet.
                if let Ok(described) = described.await
                    && described
                        .into_inner()
                        .pending_activities
                        .iter()
                        .any(|activity| activity.state() == PendingActivityState::Started)
                {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        assert!(started.await.is_ok(), "nothing tries {stack}");
    }

    /// Starts an attempt to run a stack that no schedule knows, unless one is open.
    pub(crate) async fn start_attempt(&self, stack: &str, chains: &[&ChainId]) {
        let needs: Vec<_> = chains
            .iter()
            .map(|chain| serde_json::json!({"chain": chain, "ready_at_s": 0}))
            .collect();
        let request = serde_json::json!({"account": self.account, "stack": stack, "needs": needs});
        let input = ExecutionInput {
            version: VERSION,
            request: serde_json::from_value(request).unwrap(),
            timing: self.workflows.settings().timing.clone(),
        };
        let id = id::execution(&self.account, &stack.parse().unwrap());
        let options = WorkflowStartOptions::new(&self.workflows.settings().task_queue, &id);
        let started = self
            .workflows
            .client()
            .start_workflow(StackExecutionWorkflow, input, options.build())
            .await;
        match started {
            Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// Opens a chain that never answers the query for its state, since no worker can read its input.
    pub(crate) async fn open_unreadable_chain(&self, chain: &ChainId) {
        let workflow = UntypedWorkflow::new(StackDependencyChainWorkflow::NAME);
        self.start_workflow(workflow, chain.as_str(), RawValue::empty())
            .await;
    }
}
