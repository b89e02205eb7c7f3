//! What Temporal itself knows of a workflow, without asking its worker.
//!
//! Not by the SDK's `describe`: with encryption it fails on the summary of a child workflow, which is encrypted, and in
//! the strict mode on one that is not.

use temporalio_client::tonic::{Code, IntoRequest};
use temporalio_client::{NamespacedClient, WorkflowExecutionStatus};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::enums::v1::PendingActivityState;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse,
};

use crate::{TemporalError, WorkflowClient, clock};

/// The newest run of a workflow.
pub(crate) struct Described {
    pub(crate) status: WorkflowExecutionStatus,
    /// The summary that a client gave it, which is never encrypted.
    pub(crate) summary: Option<String>,
    /// In milliseconds since 1970.
    began_ms: Option<i64>,
}

/// One attempt of an activity of a workflow.
#[derive(Debug, Clone)]
pub struct ActivityAttempt {
    pub workflow_id: String,
    pub workflow_run_id: String,
    pub activity_id: String,
    pub number: u32,
}

impl WorkflowClient {
    /// The status of a workflow; `None` if it does not exist.
    pub async fn status(&self, workflow_id: &str) -> Result<Option<WorkflowExecutionStatus>, TemporalError> {
        Ok(self
            .describe(workflow_id)
            .await?
            .map(|described| described.status))
    }

    /// When a workflow began, in milliseconds since 1970; `None` if it does not exist.
    pub async fn began_ms(&self, workflow_id: &str) -> Result<Option<i64>, TemporalError> {
        let described = self.describe(workflow_id).await?;
        Ok(described.and_then(|described| described.began_ms))
    }

    /// Whether Temporal still waits for this attempt of an activity. It does not if it gave up the attempt, because no
    /// heartbeat reached it, or if the workflow was terminated.
    pub async fn is_waiting_for(&self, attempt: &ActivityAttempt) -> Result<bool, TemporalError> {
        let Some(answer) = self.ask(&attempt.workflow_id, &attempt.workflow_run_id).await? else {
            return Ok(false);
        };
        // A terminated workflow still has its pending activities.
        let is_open = answer.workflow_execution_info.is_some_and(|info| {
            WorkflowExecutionStatus::from(info.status()) == WorkflowExecutionStatus::Running
        });
        Ok(is_open
            && answer.pending_activities.iter().any(|pending| {
                pending.activity_id == attempt.activity_id
                    && pending.state() == PendingActivityState::Started
                    && u32::try_from(pending.attempt) == Ok(attempt.number)
            }))
    }

    /// `None` if the workflow does not exist.
    pub(crate) async fn describe(&self, workflow_id: &str) -> Result<Option<Described>, TemporalError> {
        let Some(answer) = self.ask(workflow_id, "").await? else {
            return Ok(None);
        };
        let summary = answer
            .execution_config
            .and_then(|config| config.user_metadata)
            .and_then(|metadata| metadata.summary);
        Ok(answer.workflow_execution_info.map(|info| Described {
            status: info.status().into(),
            began_ms: info
                .start_time
                .map(|began| clock::of_timestamp_ms(began.seconds, began.nanos)),
            summary: summary.and_then(|summary| serde_json::from_slice(&summary.data).ok()),
        }))
    }

    /// Without a run id, the answer is about the newest run. `None` if the workflow does not exist.
    async fn ask(
        &self,
        workflow_id: &str,
        workflow_run_id: &str,
    ) -> Result<Option<DescribeWorkflowExecutionResponse>, TemporalError> {
        let request = DescribeWorkflowExecutionRequest {
            namespace: self.client.namespace(),
            execution: Some(WorkflowExecution {
                workflow_id: workflow_id.to_owned(),
                run_id: workflow_run_id.to_owned(),
            }),
        };
        let answer = self
            .client
            .connection()
            .workflow_service()
            .describe_workflow_execution(request.into_request())
            .await;
        match answer {
            Ok(answer) => Ok(Some(answer.into_inner())),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(TemporalError::new(format!("find `{workflow_id}`"), status)),
        }
    }
}
