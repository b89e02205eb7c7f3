//! Records what was received: events of runs, requests, and messages for the schedule.

mod start;

use chain::event::{EndEvent, EndedRun};
use chain::{AccountName, RunId, RunRequest, StackId};
use temporalio_client::grpc::WorkflowService;
use temporalio_client::{Client, NamespacedClient};
use temporalio_common::data_converters::PayloadConversionError;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowIdReusePolicy;

use crate::contract::{
    FollowInput, Received, ReceivedEvent, RetryRequest, RunRef, ScheduleInput, ScheduleMessage, Source,
    Subject, VERSION,
};
use crate::definition::{
    HandleCompletedRun, HandleFailedRun, RecordEvent, SpaceliftWebhookWorkflow, StackScheduleWorkflow,
    TellSchedule,
};
use crate::id;
use crate::{TemporalError, WorkflowClient};
pub(crate) use start::{Start, arguments, memo, of_workflow, recorded_as};

/// Follows the stack in the summary of a request.
pub(crate) const REQUEST_SUMMARY: &str = ", by request";

/// A completed workflow of the same id refuses a second one, which is the duplicate check. A failed one does not.
const ONCE: WorkflowIdReusePolicy = WorkflowIdReusePolicy::AllowDuplicateFailedOnly;

/// The result of recording an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// Temporal has it.
    Accepted {
        workflow_id: String,
        workflow_run_id: String,
    },
    /// Its workflow has already completed.
    Duplicate { workflow_id: String },
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

impl<C: RecordingClient> WorkflowClient<C> {
    /// Records what was received. Idempotent.
    pub async fn record(&self, received: &Received, source: Source) -> Result<Recorded, TemporalError> {
        match received {
            Received::Event { event } => self.record_event(event, source).await,
            Received::Request { account, id, request } => self.request(account, id, request, source).await,
            Received::RunEnded { account, ended } => self.run_ended(account, ended, source).await,
        }
    }

    /// Records an event of a run. The first event starts the run's follower, later ones signal it.
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

    /// Starts the follower of a run that was seen open. One that gave up is started again.
    pub async fn follow_open(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunId,
        source: Source,
    ) -> Result<Recorded, TemporalError> {
        self.start_follower(account, stack, run, source, WorkflowIdReusePolicy::AllowDuplicate)
            .await
    }

    /// Starts a run's follower. If there is or was one, nothing happens.
    pub async fn follow(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunId,
        source: Source,
    ) -> Result<Recorded, TemporalError> {
        self.start_follower(account, stack, run, source, ONCE).await
    }

    async fn start_follower(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunId,
        source: Source,
        reuse: WorkflowIdReusePolicy,
    ) -> Result<Recorded, TemporalError> {
        let recorded = async {
            let follower = self.follower(account, stack, run, source).await?;
            self.start(Start { reuse, ..follower }).await
        };
        recorded_as(id::follow_run(account, run), recorded.await)
    }

    /// Has a run looked up, since somebody reports that it is over.
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

    /// Records a request to run a stack, and then its chain.
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
            let summary = format!("{}{REQUEST_SUMMARY}", request.stack);
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

    /// Requests a retry of a chain. If one with the same id was requested, nothing happens.
    pub async fn request_retry(
        &self,
        retry: &RetryRequest,
        root: &StackId,
    ) -> Result<Recorded, TemporalError> {
        let workflow_id = id::follow_retry(&retry.chain);
        let recorded = async {
            let subject = Subject::Retry { retry: retry.clone() };
            let summary = format!("retry of {}", retry.of);
            let start = self
                .follower_of(
                    workflow_id.clone(),
                    &retry.account,
                    root,
                    subject,
                    Source::Operator,
                    summary,
                )
                .await?;
            self.start(start).await
        };
        recorded_as(workflow_id.clone(), recorded.await)
    }

    /// Signals the schedule of an account, and starts it if needed.
    pub async fn signal_schedule(
        &self,
        account: &AccountName,
        message: &ScheduleMessage,
    ) -> Result<(), TemporalError> {
        let workflow_id = id::schedule(account);
        let sent = async {
            let converter = self.client.data_converter();
            let input = ScheduleInput {
                stops: Vec::new(),
                looks: Vec::new(),
                version: VERSION,
                account: account.clone(),
                settings: self.settings.schedule(),
                timing: self.settings.timing.clone(),
                resume: None,
                untaken: Vec::new(),
                audited: false,
                notified: false,
                orders: Vec::new(),
            };
            let start = Start {
                workflow_id: workflow_id.clone(),
                workflow_type: StackScheduleWorkflow::NAME,
                input: arguments(converter, &input).await?,
                memo: memo(converter, account, None, None).await?,
                summary: format!("What runs in {account}"),
                // Each schedule begins where the previous one ended or was lost.
                reuse: WorkflowIdReusePolicy::AllowDuplicate,
            };
            self.signal_with_start(start, TellSchedule, message).await
        };
        recorded_as(workflow_id.clone(), sent.await).map(|_| ())
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
            Subject::Request { .. } | Subject::Retry { .. } => None,
        };
        let input = FollowInput {
            unknown_since_ms: None,
            ours: false,
            version: VERSION,
            account: account.clone(),
            stack: stack.clone(),
            subject,
            source,
            timing: self.settings.timing.clone(),
            looks: 0,
            reported: None,
        };
        Ok(Start {
            workflow_id,
            workflow_type: SpaceliftWebhookWorkflow::NAME,
            input: arguments(converter, &input).await?,
            memo: memo(converter, account, Some(stack), run.as_ref()).await?,
            summary,
            reuse: ONCE,
        })
    }
}
