//! Halts an account: while a workflow with a known id is open, nothing is triggered.

use chain::AccountName;
use chain::schedule::ScheduleReport;
use temporalio_client::errors::WorkflowInteractionError;
use temporalio_client::{NamespacedClient, WorkflowExecutionStatus, WorkflowSignalOptions};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowIdReusePolicy;

use crate::contract::{Halt, ScheduleMessage};
use crate::definition::{HaltState, HaltWorkflow, HoldHalt, LiftHalt};
use crate::id;
use crate::record::{Start, arguments, memo, recorded_as};
use crate::{Ordered, TemporalError, WorkflowClient};

impl WorkflowClient {
    /// Stops every trigger of an account. Once this returns, no trigger is sent.
    pub async fn halt(
        &self,
        account: &AccountName,
        ordered: impl Into<Ordered>,
    ) -> Result<(), TemporalError> {
        let Ordered { by, reason } = ordered.into();
        let halt = Halt {
            by: by.clone(),
            reason: reason.clone(),
        };
        let workflow_id = id::halt(account);
        let sent = async {
            let converter = self.client.data_converter();
            let start = Start {
                workflow_id: workflow_id.clone(),
                workflow_type: HaltWorkflow::NAME,
                input: arguments(converter, &halt).await?,
                memo: memo(converter, account, None, None).await?,
                summary: format!("Nothing is triggered in {account}: halted by {by}"),
                reuse: WorkflowIdReusePolicy::AllowDuplicate,
            };
            // The signal revives a halt that is just being lifted.
            self.signal_with_start(start, HoldHalt, &halt).await
        };
        recorded_as(workflow_id.clone(), sent.await)?;
        let message = ScheduleMessage::Halted { by, reason };
        self.signal_schedule(account, &message).await
    }

    /// Lifts the halt, and allows triggers although another Spillway uses our key. `false` if there is neither.
    pub async fn lift_halt(
        &self,
        account: &AccountName,
        ordered: impl Into<Ordered>,
    ) -> Result<bool, TemporalError> {
        let Ordered { by, reason } = ordered.into();
        let workflow_id = id::halt(account);
        let handle = self.client.get_workflow_handle::<HaltWorkflow>(&workflow_id);
        let lifted = handle
            .signal(LiftHalt, by.clone(), WorkflowSignalOptions::default())
            .await;
        match lifted {
            Ok(()) => {}
            Err(WorkflowInteractionError::NotFound(_)) => {
                let report = self.schedule_report(account).await?;
                // The schedule may not know of a halt that was lifted just before.
                let holds = |report: ScheduleReport| report.conflict.is_some() || report.halted_by.is_some();
                if !report.is_some_and(holds) {
                    return Ok(false);
                }
            }
            Err(error) => return Err(TemporalError::new(format!("reach `{workflow_id}`"), error)),
        }
        let message = ScheduleMessage::Resumed { by, reason };
        self.signal_schedule(account, &message).await?;
        Ok(true)
    }

    /// Whether an account is halted.
    pub async fn is_halted(&self, account: &AccountName) -> Result<bool, TemporalError> {
        let status = self.status(&id::halt(account)).await?;
        Ok(status == Some(WorkflowExecutionStatus::Running))
    }

    /// Who halted an account, and why. `None` if the halt is being lifted.
    pub async fn halt_of(&self, account: &AccountName) -> Result<Option<Halt>, TemporalError> {
        self.query::<HaltWorkflow, _>(&id::halt(account), HaltState, ())
            .await
    }
}
