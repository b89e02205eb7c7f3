//! Records what was received: events of runs, requests, and messages for the schedule.

mod start;

use chain::event::{EndEvent, EndedRun};
use chain::{AccountName, RunFacts, RunId, RunRequest, StackId};
use temporalio_client::grpc::WorkflowService;
use temporalio_client::tonic::{Request, Status};
use temporalio_client::{Client, NamespacedClient};
use temporalio_common::data_converters::PayloadConversionError;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowIdReusePolicy;
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    SignalWithStartWorkflowExecutionRequest, StartWorkflowExecutionRequest,
};

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
///
/// Both calls return the run id of the workflow.
pub trait RecordingClient: NamespacedClient + Sync {
    fn start_workflow(
        &self,
        request: Request<StartWorkflowExecutionRequest>,
    ) -> impl Future<Output = Result<String, Status>> + Send;

    fn signal_with_start_workflow(
        &self,
        request: Request<SignalWithStartWorkflowExecutionRequest>,
    ) -> impl Future<Output = Result<String, Status>> + Send;
}

impl RecordingClient for Client {
    async fn start_workflow(
        &self,
        request: Request<StartWorkflowExecutionRequest>,
    ) -> Result<String, Status> {
        let answer = self.clone().start_workflow_execution(request).await?;
        Ok(answer.into_inner().run_id)
    }

    async fn signal_with_start_workflow(
        &self,
        request: Request<SignalWithStartWorkflowExecutionRequest>,
    ) -> Result<String, Status> {
        let answer = self.clone().signal_with_start_workflow_execution(request).await?;
        Ok(answer.into_inner().run_id)
    }
}

impl<C: RecordingClient> WorkflowClient<C> {
    /// Records what was received. Idempotent.
    pub async fn record(&self, received: &Received, source: Source) -> Result<Recorded, TemporalError> {
        match received {
            Received::Event { event } => self.record_event(event, source).await,
            Received::Request {
                account, id, request, ..
            } => self.request(account, id, request, source).await,
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
            let input = self.follow_input(&event.account, &event.stack, &event.run, source);
            let start = self.follower(input).await?;
            self.signal_with_start(start, RecordEvent, received).await
        };
        recorded_as(id, recorded.await)
    }

    /// Starts a run's follower. If there is or was one, nothing happens.
    pub async fn follow(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunId,
        source: Source,
    ) -> Result<Recorded, TemporalError> {
        let input = self.follow_input(account, stack, run, source);
        self.start_follower(account, run, input, ONCE).await
    }

    /// Starts the follower of a run that an attempt triggered or found. If the run is open, a follower that gave up is
    /// started again.
    pub async fn follow_used(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunFacts,
    ) -> Result<Recorded, TemporalError> {
        let reuse = if run.state.is_terminal() {
            ONCE
        } else {
            WorkflowIdReusePolicy::AllowDuplicate
        };
        let input = FollowInput {
            ours: run.ours,
            ..self.follow_input(account, stack, &run.id, Source::Trigger)
        };
        self.start_follower(account, &run.id, input, reuse).await
    }

    /// Starts the follower of a run that a chain waits for and that Spacelift does not show, also if an earlier follower has
    /// ended. If Spacelift shows the run again, it reports what became of it, and if not, that it is gone.
    pub async fn follow_hidden(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunId,
    ) -> Result<Recorded, TemporalError> {
        let input = self.follow_input(account, stack, run, Source::Trigger);
        self.start_follower(account, run, input, WorkflowIdReusePolicy::AllowDuplicate)
            .await
    }

    async fn start_follower(
        &self,
        account: &AccountName,
        run: &RunId,
        input: FollowInput,
        reuse: WorkflowIdReusePolicy,
    ) -> Result<Recorded, TemporalError> {
        let recorded = async {
            let follower = self.follower(input).await?;
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
            let input = self.follow_input(account, &ended.stack, &ended.run, source);
            let start = self.follower(input).await?;
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
        let recorded = async {
            let input = self.input(account, &request.stack, subject, source);
            self.start(self.follower(input).await?).await
        };
        recorded_as(id::follow_request(account, id), recorded.await)
    }

    /// Requests a retry of a chain. If one with the same id was requested, nothing happens.
    pub async fn request_retry(
        &self,
        retry: &RetryRequest,
        root: &StackId,
    ) -> Result<Recorded, TemporalError> {
        let recorded = async {
            let subject = Subject::Retry { retry: retry.clone() };
            let input = self.input(&retry.account, root, subject, Source::Operator);
            self.start(self.follower(input).await?).await
        };
        recorded_as(id::follow_retry(&retry.chain), recorded.await)
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

    fn follow_input(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunId,
        source: Source,
    ) -> FollowInput {
        self.input(account, stack, Subject::Run { run: run.clone() }, source)
    }

    fn input(&self, account: &AccountName, stack: &StackId, subject: Subject, source: Source) -> FollowInput {
        FollowInput {
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
        }
    }

    async fn follower(&self, input: FollowInput) -> Result<Start, PayloadConversionError> {
        let FollowInput { account, stack, .. } = &input;
        let (workflow_id, summary, run) = match &input.subject {
            Subject::Run { run } => (
                id::follow_run(account, run),
                format!("{run} of {stack}"),
                Some(run),
            ),
            Subject::Request { id, .. } => {
                let summary = format!("{stack}{REQUEST_SUMMARY}");
                (id::follow_request(account, id), summary, None)
            }
            Subject::Retry { retry } => (
                id::follow_retry(&retry.chain),
                format!("retry of {}", retry.of),
                None,
            ),
        };
        let converter = self.client.data_converter();
        Ok(Start {
            workflow_id,
            workflow_type: SpaceliftWebhookWorkflow::NAME,
            input: arguments(converter, &input).await?,
            memo: memo(converter, account, Some(stack), run).await?,
            summary,
            reuse: ONCE,
        })
    }
}
