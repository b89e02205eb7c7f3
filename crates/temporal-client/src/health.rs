//! Whether the parts around Temporal work.

use std::time::SystemTime;

use chain::AccountName;
use temporalio_client::NamespacedClient;
use temporalio_client::tonic::IntoRequest;
use temporalio_common::protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeTaskQueueRequest, ListWorkflowExecutionsRequest,
};

use crate::chain_page::quoted;
use crate::definition::SpaceliftWebhookWorkflow;
use crate::{TemporalError, WorkflowClient, id};

/// How many of the newest workflows are checked. Open ones are listed first, whenever they began.
const LOOKED_AT: i32 = 50;

/// A worker that polls the task queue.
#[derive(Debug, Clone)]
pub struct Poller {
    pub identity: String,
    pub last_seen: Option<SystemTime>,
}

impl WorkflowClient {
    /// When the latest follower of a run of the account began.
    pub async fn last_reported_run(
        &self,
        account: &AccountName,
    ) -> Result<Option<SystemTime>, TemporalError> {
        let prefix = quoted(&id::runs_of(account));
        let kind = SpaceliftWebhookWorkflow::NAME;
        let query = format!("WorkflowType = '{kind}' AND WorkflowId STARTS_WITH {prefix}");
        let request = ListWorkflowExecutionsRequest {
            namespace: self.client.namespace(),
            page_size: LOOKED_AT,
            next_page_token: Vec::new(),
            query,
        };
        let mut service = self.client.connection().workflow_service();
        let answer = service
            .list_workflow_executions(request.into_request())
            .await
            .map_err(|error| TemporalError::new("find the last run", error))?;
        let found = answer.into_inner().executions.into_iter();
        Ok(found.filter_map(|info| time(info.start_time)).max())
    }

    /// The workers that poll the task queue.
    pub async fn pollers(&self) -> Result<Vec<Poller>, TemporalError> {
        let request = DescribeTaskQueueRequest {
            namespace: self.client.namespace(),
            task_queue: Some(TaskQueue {
                name: self.settings.task_queue.clone(),
                ..Default::default()
            }),
            task_queue_type: TaskQueueType::Workflow.into(),
            ..Default::default()
        };
        let mut service = self.client.connection().workflow_service();
        let answer = service
            .describe_task_queue(request.into_request())
            .await
            .map_err(|error| TemporalError::new("look at the task queue", error))?;
        let pollers = answer.into_inner().pollers.into_iter();
        Ok(pollers
            .map(|poller| Poller {
                identity: poller.identity,
                last_seen: time(poller.last_access_time),
            })
            .collect())
    }
}

fn time<T>(time: Option<T>) -> Option<SystemTime>
where
    SystemTime: TryFrom<T>,
{
    SystemTime::try_from(time?).ok()
}
