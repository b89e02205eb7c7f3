//! Recording what was heard of runs, whose they are, and what is asked for.

use std::time::Duration;

use chain::{AccountName, RunId, RunRequest, StackId};
use temporalio_client::grpc::WorkflowService;
use temporalio_client::tonic::{Code, Request, Status};
use temporalio_client::{Client, NamespacedClient};
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

use crate::contract::{Claim, FollowInput, Heard, HeardEvent, Source, Subject, VERSION};
use crate::definition::{ClaimRun, RecordEvent, SpaceliftWebhookWorkflow};
use crate::id::{self, ExecutionId};
use crate::{Orchestrator, TemporalError};

/// How long Temporal may take to record something before the caller is told that it is away.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// How old an event may be to be believed without further ado. A delivery carries no proof of when it was sent, so an
/// older one may be a replay of a run whose workflow Temporal has forgotten. Spacelift gives up retrying long before;
/// the sweep finds what was lost.
pub const EVENT_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// Temporal has it.
    Accepted {
        workflow_id: String,
        workflow_run_id: String,
    },
    /// The run that it is about was followed to its end before.
    Duplicate { workflow_id: String },
}

#[derive(Debug, thiserror::Error)]
enum NotRecorded {
    #[error(transparent)]
    Conversion(#[from] PayloadConversionError),
    #[error(transparent)]
    Call(#[from] Status),
}

/// A client that can record: the SDK's, or a function's, which can do nothing else.
pub trait RecordingClient: NamespacedClient {
    fn service(&self) -> impl WorkflowService;
}

impl RecordingClient for Client {
    fn service(&self) -> impl WorkflowService {
        self.clone()
    }
}

/// The workflow that follows a run, or a request for one.
struct Follower<'a> {
    workflow_id: String,
    account: &'a AccountName,
    stack: &'a StackId,
    subject: Subject,
    source: Source,
}

impl<'a> Follower<'a> {
    fn of_run(account: &'a AccountName, stack: &'a StackId, run: &RunId, source: Source) -> Self {
        Self {
            workflow_id: id::follow_run(account, run),
            account,
            stack,
            subject: Subject::Run { run: run.clone() },
            source,
        }
    }

    /// Temporal shows it to people.
    fn summary(&self) -> String {
        match &self.subject {
            Subject::Run { run } => format!("{run} of {}", self.stack),
            Subject::Request { .. } => format!("{}, by request", self.stack),
        }
    }
}

impl<C: RecordingClient> Orchestrator<C> {
    /// Records what was heard. The same twice has the effect of once.
    pub async fn record(&self, heard: &Heard, source: Source) -> Result<Recorded, TemporalError> {
        match heard {
            Heard::Event(heard) => self.record_event(heard, source).await,
            Heard::Request { account, id, request } => self.request(account, id, request, source).await,
        }
    }

    /// Records what was heard of a run. The first event starts the workflow that follows it, later ones reach it.
    async fn record_event(&self, heard: &HeardEvent, source: Source) -> Result<Recorded, TemporalError> {
        let event = &heard.event;
        let follower = Follower::of_run(&event.account, &event.stack, &event.run, source);
        self.tell(follower, RecordEvent, heard).await
    }

    /// Says whose a run is. The workflow that follows it is started where no webhook has done so yet.
    pub async fn claim(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunId,
        execution: &ExecutionId,
    ) -> Result<Recorded, TemporalError> {
        let follower = Follower::of_run(account, stack, run, Source::Trigger);
        let claim = Claim {
            execution: execution.clone(),
        };
        self.tell(follower, ClaimRun, &claim).await
    }

    /// Records that somebody wants a stack, and then its chain, to run.
    async fn request(
        &self,
        account: &AccountName,
        id: &str,
        request: &RunRequest,
        source: Source,
    ) -> Result<Recorded, TemporalError> {
        let follower = Follower {
            workflow_id: id::follow_request(account, id),
            account,
            stack: &request.stack,
            subject: Subject::Request {
                requested_by: request.requested_by.clone(),
            },
            source,
        };
        let started = async {
            let start = self.start(&follower).await?;
            let mut service = self.client.service();
            let answer = service.start_workflow_execution(in_time(start)).await?;
            Ok(answer.into_inner().run_id)
        };
        recorded(follower.workflow_id.clone(), started.await)
    }

    /// Sends a signal to the follower of a run, which is started where it is not there yet.
    async fn tell<S: SignalDefinition>(
        &self,
        follower: Follower<'_>,
        signal: S,
        input: &S::Input,
    ) -> Result<Recorded, TemporalError> {
        let told = async {
            let start = self.start(&follower).await?;
            let request = SignalWithStartWorkflowExecutionRequest {
                namespace: start.namespace,
                identity: start.identity,
                request_id: start.request_id,
                workflow_id: start.workflow_id,
                workflow_type: start.workflow_type,
                task_queue: start.task_queue,
                input: start.input,
                workflow_id_reuse_policy: start.workflow_id_reuse_policy,
                workflow_id_conflict_policy: WorkflowIdConflictPolicy::UseExisting.into(),
                memo: start.memo,
                user_metadata: start.user_metadata,
                signal_name: signal.name().to_owned(),
                signal_input: Some(arguments(self.client.data_converter(), input).await?),
                ..Default::default()
            };
            let mut service = self.client.service();
            let answer = service
                .signal_with_start_workflow_execution(in_time(request))
                .await?;
            Ok(answer.into_inner().run_id)
        };
        recorded(follower.workflow_id.clone(), told.await)
    }

    /// A closed workflow of the same id refuses a second one: that is the duplicate check.
    async fn start(
        &self,
        follower: &Follower<'_>,
    ) -> Result<StartWorkflowExecutionRequest, PayloadConversionError> {
        let converter = self.client.data_converter();
        let input = FollowInput {
            version: VERSION,
            account: follower.account.clone(),
            stack: follower.stack.clone(),
            subject: follower.subject.clone(),
            source: follower.source,
            timing: self.settings.timing.clone(),
        };
        Ok(StartWorkflowExecutionRequest {
            namespace: self.client.namespace(),
            identity: self.client.identity(),
            request_id: Uuid::new_v4().to_string(),
            workflow_id: follower.workflow_id.clone(),
            workflow_type: Some(WorkflowType {
                name: SpaceliftWebhookWorkflow::NAME.to_owned(),
            }),
            task_queue: Some(TaskQueue {
                name: self.settings.task_queue.clone(),
                kind: TaskQueueKind::Normal.into(),
                ..Default::default()
            }),
            input: Some(arguments(converter, &input).await?),
            workflow_id_reuse_policy: WorkflowIdReusePolicy::RejectDuplicate.into(),
            workflow_id_conflict_policy: WorkflowIdConflictPolicy::Fail.into(),
            memo: Some(memo(converter, follower).await?),
            user_metadata: Some(UserMetadata {
                // Never encrypted: it is for people.
                summary: Some(payload(&DataConverter::default(), &follower.summary()).await?),
                details: None,
            }),
            ..Default::default()
        })
    }
}

/// What people look for in Temporal's UI. Search attributes would have to be made in the namespace first.
async fn memo(converter: &DataConverter, follower: &Follower<'_>) -> Result<Memo, PayloadConversionError> {
    let mut memo = Memo::default();
    let mut insert = |name: &str, value| memo.fields.insert(name.to_owned(), value);
    insert("account", payload(converter, follower.account).await?);
    insert("stack", payload(converter, follower.stack).await?);
    if let Subject::Run { run } = &follower.subject {
        insert("run", payload(converter, run).await?);
    }
    Ok(memo)
}

async fn arguments<T: TemporalSerializable + 'static>(
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

fn of_workflow() -> SerializationContextData {
    SerializationContextData::Workflow(WorkflowSerializationContext::new())
}

fn in_time<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(CALL_TIMEOUT);
    request
}

fn recorded(workflow_id: String, run_id: Result<String, NotRecorded>) -> Result<Recorded, TemporalError> {
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
