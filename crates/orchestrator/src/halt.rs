//! Halting an account: while a workflow of a known id is open, nothing is triggered.

use chain::AccountName;
use temporalio_client::errors::{WorkflowInteractionError, WorkflowStartError};
use temporalio_client::{WorkflowExecutionStatus, WorkflowSignalOptions, WorkflowStartOptions};

use crate::contract::ScheduleMessage;
use crate::definition::{HaltWorkflow, LiftHalt};
use crate::id;
use crate::{Orchestrator, TemporalError};

impl Orchestrator {
    /// Stops every trigger of an account. When this returns, no trigger is sent any more.
    pub async fn halt(&self, account: &AccountName, by: &str) -> Result<(), TemporalError> {
        let workflow_id = id::halt(account);
        let options = WorkflowStartOptions::new(&self.settings.task_queue, &workflow_id)
            .static_summary(format!("Nothing is triggered in {account}, by {by}"))
            .build();
        match self
            .client
            .start_workflow(HaltWorkflow, by.to_owned(), options)
            .await
        {
            Ok(_) | Err(WorkflowStartError::AlreadyStarted { .. }) => {}
            Err(error) => return Err(TemporalError::new(format!("start `{workflow_id}`"), error)),
        }
        let message = ScheduleMessage::Halted { by: by.to_owned() };
        self.tell_schedule(account, &message).await
    }

    /// Lifts the halt. `false` where the account is not halted.
    pub async fn lift_halt(&self, account: &AccountName, by: &str) -> Result<bool, TemporalError> {
        let workflow_id = id::halt(account);
        let handle = self.client.get_workflow_handle::<HaltWorkflow>(&workflow_id);
        let lifted = handle
            .signal(LiftHalt, by.to_owned(), WorkflowSignalOptions::default())
            .await;
        match lifted {
            Ok(()) => {}
            Err(WorkflowInteractionError::NotFound(_)) => return Ok(false),
            Err(error) => return Err(TemporalError::new(format!("reach `{workflow_id}`"), error)),
        }
        let message = ScheduleMessage::Resumed { by: by.to_owned() };
        self.tell_schedule(account, &message).await?;
        Ok(true)
    }

    /// Whether an account is halted.
    pub async fn is_halted(&self, account: &AccountName) -> Result<bool, TemporalError> {
        let status = self.status(&id::halt(account)).await?;
        Ok(status == Some(WorkflowExecutionStatus::Running))
    }
}
