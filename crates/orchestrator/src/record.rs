//! Recording what was heard of runs, whose they are, and what is asked for.

use std::time::Duration;

use chain::{AccountName, RunId, RunRequest, StackId};
use temporalio_client::errors::WorkflowStartError;
use temporalio_client::tonic::Code;
use temporalio_client::{
    Client, RpcOptions, WorkflowHandle, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions,
};
use temporalio_common::{HasWorkflowDefinition, MemoValues};

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

impl Orchestrator {
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
        let workflow_id = id::follow_run(&event.account, &event.run);
        let subject = Subject::Run {
            run: event.run.clone(),
        };
        let input = self.follow_input(&event.account, &event.stack, subject, source);
        let summary = format!("{} of {}", event.run, event.stack);
        let memo = memo(&event.account, &event.stack, Some(&event.run));
        let handle = self
            .client
            .signal_with_start_workflow(
                SpaceliftWebhookWorkflow,
                input,
                RecordEvent,
                heard.clone(),
                self.options(&workflow_id, summary, memo),
            )
            .await;
        recorded(workflow_id, handle)
    }

    /// Says whose a run is. The workflow that follows it is started where no webhook has done so yet.
    pub async fn claim(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunId,
        execution: &ExecutionId,
    ) -> Result<Recorded, TemporalError> {
        let workflow_id = id::follow_run(account, run);
        let subject = Subject::Run { run: run.clone() };
        let memo = memo(account, stack, Some(run));
        let handle = self
            .client
            .signal_with_start_workflow(
                SpaceliftWebhookWorkflow,
                self.follow_input(account, stack, subject, Source::Trigger),
                ClaimRun,
                Claim {
                    execution: execution.clone(),
                },
                self.options(&workflow_id, format!("{run} of {stack}"), memo),
            )
            .await;
        recorded(workflow_id, handle)
    }

    /// Records that somebody wants a stack, and then its chain, to run.
    async fn request(
        &self,
        account: &AccountName,
        id: &str,
        request: &RunRequest,
        source: Source,
    ) -> Result<Recorded, TemporalError> {
        let workflow_id = id::follow_request(account, id);
        let subject = Subject::Request {
            requested_by: request.requested_by.clone(),
        };
        let input = self.follow_input(account, &request.stack, subject, source);
        let summary = format!("{}, by request", request.stack);
        let mut options = self.options(&workflow_id, summary, memo(account, &request.stack, None));
        options.id_conflict_policy = WorkflowIdConflictPolicy::Fail;
        recorded(
            workflow_id,
            self.client
                .start_workflow(SpaceliftWebhookWorkflow, input, options)
                .await,
        )
    }

    fn follow_input(
        &self,
        account: &AccountName,
        stack: &StackId,
        subject: Subject,
        source: Source,
    ) -> FollowInput {
        FollowInput {
            version: VERSION,
            account: account.clone(),
            stack: stack.clone(),
            subject,
            source,
            timing: self.settings.timing.clone(),
        }
    }

    /// A closed workflow of the same id refuses a second one: that is the duplicate check.
    fn options(&self, workflow_id: &str, summary: String, memo: MemoValues) -> WorkflowStartOptions {
        WorkflowStartOptions::new(&self.settings.task_queue, workflow_id)
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
            .static_summary(summary)
            .memo(memo)
            .rpc_options(RpcOptions::builder().timeout(CALL_TIMEOUT).build())
            .build()
    }
}

/// What people look for in Temporal's UI. Search attributes would have to be made in the namespace first.
fn memo(account: &AccountName, stack: &StackId, run: Option<&RunId>) -> MemoValues {
    let mut memo = MemoValues::new();
    memo.insert("account", account.clone());
    memo.insert("stack", stack.clone());
    if let Some(run) = run {
        memo.insert("run", run.clone());
    }
    memo
}

fn recorded<W: HasWorkflowDefinition>(
    workflow_id: String,
    started: Result<WorkflowHandle<Client, W>, WorkflowStartError>,
) -> Result<Recorded, TemporalError> {
    match started {
        Ok(handle) => Ok(Recorded::Accepted {
            workflow_id,
            workflow_run_id: handle.info().run_id.clone().unwrap_or_default(),
        }),
        Err(WorkflowStartError::AlreadyStarted { .. }) => Ok(Recorded::Duplicate { workflow_id }),
        Err(WorkflowStartError::Rpc(status)) if status.code() == Code::AlreadyExists => {
            Ok(Recorded::Duplicate { workflow_id })
        }
        Err(source) => Err(TemporalError::new(format!("record `{workflow_id}`"), source)),
    }
}
