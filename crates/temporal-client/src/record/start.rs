//! Starts workflows and signals them, with requests that a function can also send.

use std::sync::LazyLock;
use std::time::Duration;

use chain::{AccountName, RunId, StackId};
use temporalio_client::tonic::{Code, Request};
use temporalio_common::SignalDefinition;
use temporalio_common::data_converters::{
    DataConverter, PayloadConversionError, SerializationContextData, TemporalSerializable,
    WorkflowSerializationContext,
};
use temporalio_common::protos::temporal::api::common::v1::{Memo, Payload, Payloads, WorkflowType};
use temporalio_common::protos::temporal::api::enums::v1::{
    TaskQueueKind, WorkflowIdConflictPolicy, WorkflowIdReusePolicy,
};
use temporalio_common::protos::temporal::api::sdk::v1::UserMetadata;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    SignalWithStartWorkflowExecutionRequest, StartWorkflowExecutionRequest,
};
use uuid::Uuid;

use super::{Recorded, RecordingClient};
use crate::error::NotRecorded;
use crate::{TemporalError, WorkflowClient};

/// How long a call may take before Temporal counts as unreachable.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// A workflow that is started unless it exists.
pub(crate) struct Start {
    pub(crate) workflow_id: String,
    pub(crate) workflow_type: &'static str,
    pub(crate) input: Payloads,
    pub(crate) memo: Memo,
    /// Shown to people in Temporal's UI.
    pub(crate) summary: String,
    pub(crate) reuse: WorkflowIdReusePolicy,
}

impl<C: RecordingClient> WorkflowClient<C> {
    pub(crate) async fn start(&self, start: Start) -> Result<String, NotRecorded> {
        let request = StartWorkflowExecutionRequest {
            namespace: self.client.namespace(),
            identity: self.client.identity(),
            request_id: Uuid::new_v4().to_string(),
            workflow_id: start.workflow_id,
            workflow_type: Some(WorkflowType {
                name: start.workflow_type.to_owned(),
            }),
            task_queue: Some(self.task_queue()),
            input: Some(start.input),
            workflow_id_reuse_policy: start.reuse.into(),
            workflow_id_conflict_policy: WorkflowIdConflictPolicy::Fail.into(),
            memo: Some(start.memo),
            user_metadata: Some(user_metadata(start.summary).await?),
            ..Default::default()
        };
        Ok(self.client.start_workflow(in_time(request)).await?)
    }

    /// Signals a workflow, and starts it if needed.
    pub(crate) async fn signal_with_start<S: SignalDefinition>(
        &self,
        start: Start,
        signal: S,
        input: &S::Input,
    ) -> Result<String, NotRecorded> {
        let request = SignalWithStartWorkflowExecutionRequest {
            namespace: self.client.namespace(),
            identity: self.client.identity(),
            request_id: Uuid::new_v4().to_string(),
            workflow_id: start.workflow_id,
            workflow_type: Some(WorkflowType {
                name: start.workflow_type.to_owned(),
            }),
            task_queue: Some(self.task_queue()),
            input: Some(start.input),
            workflow_id_reuse_policy: start.reuse.into(),
            workflow_id_conflict_policy: WorkflowIdConflictPolicy::UseExisting.into(),
            memo: Some(start.memo),
            user_metadata: Some(user_metadata(start.summary).await?),
            signal_name: signal.name().to_owned(),
            signal_input: Some(arguments(self.client.data_converter(), input).await?),
            ..Default::default()
        };
        Ok(self.client.signal_with_start_workflow(in_time(request)).await?)
    }

    fn task_queue(&self) -> TaskQueue {
        TaskQueue {
            name: self.settings.task_queue.clone(),
            kind: TaskQueueKind::Normal.into(),
            ..Default::default()
        }
    }
}

/// Never encrypted: it is for people.
async fn user_metadata(summary: String) -> Result<UserMetadata, PayloadConversionError> {
    static PLAIN: LazyLock<DataConverter> = LazyLock::new(DataConverter::default);
    Ok(UserMetadata {
        summary: Some(payload(&PLAIN, &summary).await?),
        details: None,
    })
}

/// What people search for in Temporal's UI. Search attributes would have to be created in the namespace first.
pub(crate) async fn memo(
    converter: &DataConverter,
    account: &AccountName,
    stack: Option<&StackId>,
    run: Option<&RunId>,
) -> Result<Memo, PayloadConversionError> {
    let mut memo = Memo::default();
    let mut insert = |name: &str, value| memo.fields.insert(name.to_owned(), value);
    insert("account", payload(converter, account).await?);
    if let Some(stack) = stack {
        insert("stack", payload(converter, stack).await?);
    }
    if let Some(run) = run {
        insert("run", payload(converter, run).await?);
    }
    Ok(memo)
}

pub(crate) async fn arguments<T: TemporalSerializable + 'static>(
    converter: &DataConverter,
    value: &T,
) -> Result<Payloads, PayloadConversionError> {
    let payloads = converter.to_payloads(&of_workflow(), value).await?;
    Ok(Payloads { payloads })
}

async fn payload<T: TemporalSerializable + 'static>(
    converter: &DataConverter,
    value: &T,
) -> Result<Payload, PayloadConversionError> {
    converter.to_payload(&of_workflow(), value).await
}

pub(crate) fn of_workflow() -> SerializationContextData {
    SerializationContextData::Workflow(WorkflowSerializationContext::new())
}

fn in_time<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

/// The result of a start, or of a signal with a start.
pub(crate) fn recorded_as(
    workflow_id: String,
    run_id: Result<String, NotRecorded>,
) -> Result<Recorded, TemporalError> {
    match run_id {
        Ok(workflow_run_id) => Ok(Recorded::Accepted {
            workflow_id,
            workflow_run_id,
        }),
        Err(NotRecorded::Call(status)) if status.code() == Code::AlreadyExists => {
            Ok(Recorded::Duplicate { workflow_id })
        }
        Err(source) => Err(TemporalError::new(format!("record `{workflow_id}`"), source)),
    }
}
