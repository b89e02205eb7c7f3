//! Recording what came in: events of runs, requests, and what the schedule has to know.

use std::time::Duration;

use chain::event::{EndEvent, EndedRun};
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

use crate::contract::{
    FollowInput, Received, ReceivedEvent, RunRef, ScheduleInput, ScheduleMessage, Source, Subject, VERSION,
};
use crate::definition::{
    HandleCompletedRun, HandleFailedRun, RecordEvent, SpaceliftWebhookWorkflow, StackScheduleWorkflow,
    TellSchedule,
};
use crate::id;
use crate::{Orchestrator, TemporalError};

/// How long Temporal may take to record something before the caller is told that it is away.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

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

/// A workflow that is started, unless it is there.
struct Start {
    workflow_id: String,
    workflow_type: &'static str,
    input: Payloads,
    memo: Memo,
    /// Temporal shows it to people.
    summary: String,
    reuse: WorkflowIdReusePolicy,
}

impl<C: RecordingClient> Orchestrator<C> {
    /// Records what came in. The same twice has the effect of once.
    pub async fn record(&self, received: &Received, source: Source) -> Result<Recorded, TemporalError> {
        match received {
            Received::Event { event } => self.record_event(event, source).await,
            Received::Request { account, id, request } => self.request(account, id, request, source).await,
            Received::RunEnded { account, ended } => self.run_ended(account, ended, source).await,
        }
    }

    /// Records an event of a run. The first event starts the workflow that follows it, later ones reach it.
    async fn record_event(
        &self,
        received: &ReceivedEvent,
        source: Source,
    ) -> Result<Recorded, TemporalError> {
        let event = &received.event;
        let id = id::follow_run(&event.account, &event.run);
        let recorded = async {
            let start = self
                .follower(&event.account, &event.stack, &event.run, source)
                .await?;
            self.signal_with_start(start, RecordEvent, received).await
        };
        recorded_as(id, recorded.await)
    }

    /// Has a run followed. Where that is done already, or was, nothing happens.
    pub async fn follow(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunId,
        source: Source,
    ) -> Result<Recorded, TemporalError> {
        let recorded = async {
            let start = self.follower(account, stack, run, source).await?;
            self.start(start).await
        };
        recorded_as(id::follow_run(account, run), recorded.await)
    }

    /// Has a run looked at, since somebody says that it is over.
    async fn run_ended(
        &self,
        account: &AccountName,
        ended: &EndedRun,
        source: Source,
    ) -> Result<Recorded, TemporalError> {
        let about = RunRef {
            stack: ended.stack.clone(),
            run: ended.run.clone(),
        };
        let recorded = async {
            let start = self.follower(account, &ended.stack, &ended.run, source).await?;
            match ended.event {
                EndEvent::Completed => self.signal_with_start(start, HandleCompletedRun, &about).await,
                EndEvent::Failed => self.signal_with_start(start, HandleFailedRun, &about).await,
            }
        };
        recorded_as(id::follow_run(account, &ended.run), recorded.await)
    }

    /// Records that somebody wants a stack, and then its chain, to run.
    async fn request(
        &self,
        account: &AccountName,
        id: &str,
        request: &RunRequest,
        source: Source,
    ) -> Result<Recorded, TemporalError> {
        let subject = Subject::Request {
            id: id.to_owned(),
            request: request.clone(),
        };
        let workflow_id = id::follow_request(account, id);
        let recorded = async {
            let summary = format!("{}, by request", request.stack);
            let start = self
                .follower_of(
                    workflow_id.clone(),
                    account,
                    &request.stack,
                    subject,
                    source,
                    summary,
                )
                .await?;
            self.start(start).await
        };
        recorded_as(workflow_id.clone(), recorded.await)
    }

    /// Tells the schedule of an account something. It is started where it is not there.
    pub async fn tell_schedule(
        &self,
        account: &AccountName,
        message: &ScheduleMessage,
    ) -> Result<(), TemporalError> {
        let workflow_id = id::schedule(account);
        let told = async {
            let converter = self.client.data_converter();
            let input = ScheduleInput {
                version: VERSION,
                account: account.clone(),
                settings: self.settings.schedule(),
                timing: self.settings.timing.clone(),
                resume: None,
                untaken: Vec::new(),
                audited: false,
            };
            let start = Start {
                workflow_id: workflow_id.clone(),
                workflow_type: StackScheduleWorkflow::NAME,
                input: arguments(converter, &input).await?,
                memo: memo(converter, account, None, None).await?,
                summary: format!("What runs in {account}"),
                // Each schedule begins where the one before ended, or was lost.
                reuse: WorkflowIdReusePolicy::AllowDuplicate,
            };
            self.signal_with_start(start, TellSchedule, message).await
        };
        recorded_as(workflow_id.clone(), told.await).map(|_| ())
    }

    async fn follower(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunId,
        source: Source,
    ) -> Result<Start, PayloadConversionError> {
        let subject = Subject::Run { run: run.clone() };
        let summary = format!("{run} of {stack}");
        self.follower_of(
            id::follow_run(account, run),
            account,
            stack,
            subject,
            source,
            summary,
        )
        .await
    }

    async fn follower_of(
        &self,
        workflow_id: String,
        account: &AccountName,
        stack: &StackId,
        subject: Subject,
        source: Source,
        summary: String,
    ) -> Result<Start, PayloadConversionError> {
        let converter = self.client.data_converter();
        let run = match &subject {
            Subject::Run { run } => Some(run.clone()),
            Subject::Request { .. } => None,
        };
        let input = FollowInput {
            version: VERSION,
            account: account.clone(),
            stack: stack.clone(),
            subject,
            source,
            timing: self.settings.timing.clone(),
            looks: 0,
            told: None,
        };
        Ok(Start {
            workflow_id,
            workflow_type: SpaceliftWebhookWorkflow::NAME,
            input: arguments(converter, &input).await?,
            memo: memo(converter, account, Some(stack), run.as_ref()).await?,
            summary,
            // A closed workflow of the same id refuses a second one, which is the duplicate check; one that failed does not.
            reuse: WorkflowIdReusePolicy::AllowDuplicateFailedOnly,
        })
    }

    async fn start(&self, start: Start) -> Result<String, NotRecorded> {
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
            user_metadata: Some(user_metadata(&start.summary).await?),
            ..Default::default()
        };
        let mut service = self.client.service();
        let answer = service.start_workflow_execution(in_time(request)).await?;
        Ok(answer.into_inner().run_id)
    }

    /// Sends a signal to a workflow, which is started where it is not there.
    async fn signal_with_start<S: SignalDefinition>(
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
            user_metadata: Some(user_metadata(&start.summary).await?),
            signal_name: signal.name().to_owned(),
            signal_input: Some(arguments(self.client.data_converter(), input).await?),
            ..Default::default()
        };
        let mut service = self.client.service();
        let answer = service
            .signal_with_start_workflow_execution(in_time(request))
            .await?;
        Ok(answer.into_inner().run_id)
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
async fn user_metadata(summary: &str) -> Result<UserMetadata, PayloadConversionError> {
    Ok(UserMetadata {
        summary: Some(payload(&DataConverter::default(), &summary.to_owned()).await?),
        details: None,
    })
}

/// What people look for in Temporal's UI. Search attributes would have to be made in the namespace first.
async fn memo(
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

fn recorded_as(workflow_id: String, run_id: Result<String, NotRecorded>) -> Result<Recorded, TemporalError> {
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
