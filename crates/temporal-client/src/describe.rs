//! What Temporal itself knows of a workflow, without asking its worker.
//!
//! Not by the SDK's `describe`: with encryption it fails on the summary of a child workflow, which is encrypted, and in
//! the strict mode on one that is not.

use temporalio_client::tonic::{Code, IntoRequest};
use temporalio_client::{NamespacedClient, WorkflowExecutionStatus};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::workflowservice::v1::DescribeWorkflowExecutionRequest;

use crate::{TemporalError, WorkflowClient};

/// The newest run of a workflow.
pub(crate) struct Described {
    pub(crate) status: WorkflowExecutionStatus,
    /// The summary that a client gave it, which is never encrypted.
    pub(crate) summary: Option<String>,
}

impl WorkflowClient {
    /// The status of a workflow; `None` if it does not exist.
    pub async fn status(&self, workflow_id: &str) -> Result<Option<WorkflowExecutionStatus>, TemporalError> {
        Ok(self
            .describe(workflow_id)
            .await?
            .map(|described| described.status))
    }

    /// `None` if the workflow does not exist.
    pub(crate) async fn describe(&self, workflow_id: &str) -> Result<Option<Described>, TemporalError> {
        let request = DescribeWorkflowExecutionRequest {
            namespace: self.client.namespace(),
            execution: Some(WorkflowExecution {
                workflow_id: workflow_id.to_owned(),
                run_id: String::new(),
            }),
        };
        let answer = self
            .client
            .connection()
            .workflow_service()
            .describe_workflow_execution(request.into_request())
            .await;
        let answer = match answer {
            Ok(answer) => answer.into_inner(),
            Err(status) if status.code() == Code::NotFound => return Ok(None),
            Err(status) => return Err(TemporalError::new(format!("find `{workflow_id}`"), status)),
        };
        let summary = answer
            .execution_config
            .and_then(|config| config.user_metadata)
            .and_then(|metadata| metadata.summary);
        Ok(answer.workflow_execution_info.map(|info| Described {
            status: info.status().into(),
            summary: summary.and_then(|summary| serde_json::from_slice(&summary.data).ok()),
        }))
    }
}
