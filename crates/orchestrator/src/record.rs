//! Recording what was heard of runs, whose they are, and what is asked for.

use std::time::Duration;

use chain::{AccountName, RunEvent, RunId, RunRequest, StackId};
use temporalio_client::errors::WorkflowStartError;
use temporalio_client::tonic::Code;
use temporalio_client::{
    Client, RpcOptions, WorkflowHandle, WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowStartOptions,
};
use temporalio_common::HasWorkflowDefinition;
use uuid::Uuid;

use crate::contract::{Claim, FollowInput, Source, Subject, VERSION};
use crate::definition::{ClaimRun, RecordEvent, SpaceliftWebhookWorkflow};
use crate::id::{self, ExecutionId};
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

impl Orchestrator {
    /// Records what was heard of a run. The first event starts the workflow that follows it, later ones reach it.
    pub async fn record(&self, event: &RunEvent, source: Source) -> Result<Recorded, TemporalError> {
        let workflow_id = id::follow_run(&event.account, &event.run);
        let input = self.follow_input(&event.account, &event.stack, &event.run, source);
        let handle = self
            .client
            .signal_with_start_workflow(
                SpaceliftWebhookWorkflow,
                input,
                RecordEvent,
                event.clone(),
                self.options(&workflow_id, format!("{} of {}", event.run, event.stack)),
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
        let handle = self
            .client
            .signal_with_start_workflow(
                SpaceliftWebhookWorkflow,
                self.follow_input(account, stack, run, Source::Trigger),
                ClaimRun,
                Claim {
                    execution: execution.clone(),
                },
                self.options(&workflow_id, format!("{run} of {stack}")),
            )
            .await;
        recorded(workflow_id, handle)
    }

    /// Records that somebody wants a stack, and then its chain, to run. The same request twice is one.
    pub async fn request(
        &self,
        account: &AccountName,
        request: &RunRequest,
        source: Source,
    ) -> Result<Recorded, TemporalError> {
        let request_id = request
            .request_id
            .as_ref()
            .map_or_else(|| Uuid::new_v4().to_string(), ToString::to_string);
        let workflow_id = id::follow_request(account, &request_id);
        let input = FollowInput {
            version: VERSION,
            account: account.clone(),
            stack: request.stack.clone(),
            subject: Subject::Request {
                requested_by: request.requested_by.clone(),
            },
            source,
            timing: self.settings.timing.clone(),
        };
        let mut options = self.options(&workflow_id, format!("{}, by request", request.stack));
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
        run: &RunId,
        source: Source,
    ) -> FollowInput {
        FollowInput {
            version: VERSION,
            account: account.clone(),
            stack: stack.clone(),
            subject: Subject::Run { run: run.clone() },
            source,
            timing: self.settings.timing.clone(),
        }
    }

    /// A closed workflow of the same id refuses a second one: that is the duplicate check.
    fn options(&self, workflow_id: &str, summary: String) -> WorkflowStartOptions {
        WorkflowStartOptions::new(&self.settings.task_queue, workflow_id)
            .id_reuse_policy(WorkflowIdReusePolicy::RejectDuplicate)
            .id_conflict_policy(WorkflowIdConflictPolicy::UseExisting)
            .static_summary(summary)
            .rpc_options(RpcOptions::builder().timeout(CALL_TIMEOUT).build())
            .build()
    }
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
