//! Freezes an account or a part of it: while a workflow with a known id is open, nothing that it covers is started.

use std::time::{Duration, Instant};

use chain::AccountName;
use chain::freeze::Freeze;
use temporalio_client::errors::{WorkflowInteractionError, WorkflowStartError};
use temporalio_client::{WorkflowExecutionStatus, WorkflowSignalOptions, WorkflowStartOptions};

use crate::contract::{FreezeInput, ScheduleMessage, VERSION};
use crate::definition::{FreezeState, FreezeWorkflow, Thaw};
use crate::id;
use crate::{TemporalError, WorkflowClient};

/// How often, and how long, to retry to begin a freeze while the previous one ends.
const ENDING_POLL: Duration = Duration::from_millis(200);
const ENDING_MAX: Duration = Duration::from_secs(20);

/// The workflow of the previous freeze stays open, although a worker answers for it.
#[derive(Debug, thiserror::Error)]
#[error(
    "a worker is too slow, or an older version began that freeze: then it ends when the audit log is written"
)]
struct DoesNotEnd;

impl WorkflowClient {
    /// Begins a freeze. If there is one already, it stays and is returned.
    pub async fn freeze(
        &self,
        account: &AccountName,
        freeze: &Freeze,
    ) -> Result<Option<Freeze>, TemporalError> {
        let workflow_id = id::freeze(account);
        let options = WorkflowStartOptions::new(&self.settings.task_queue, &workflow_id)
            .static_summary(summary(account, freeze))
            .build();
        let input = FreezeInput {
            version: VERSION,
            account: account.clone(),
            freeze: freeze.clone(),
            timing: self.settings.timing.clone(),
        };
        let asked = Instant::now();
        loop {
            let started = self
                .client
                .start_workflow(FreezeWorkflow, input.clone(), options.clone())
                .await;
            match started {
                Ok(_) => return Ok(None),
                Err(WorkflowStartError::AlreadyStarted { .. }) => {}
                Err(error) => return Err(TemporalError::new(format!("start `{workflow_id}`"), error)),
            }
            if let Some(known) = self.frozen(account).await? {
                return Ok(Some(known));
            }
            // The previous one is over, and its workflow is about to end.
            if asked.elapsed() >= ENDING_MAX {
                let wanted = "begin the freeze: the previous one is over, but its workflow is still open";
                return Err(TemporalError::new(wanted, DoesNotEnd));
            }
            tokio::time::sleep(ENDING_POLL).await;
        }
    }

    /// Lifts the freeze that a person began. `false` if there is none.
    pub async fn thaw(&self, account: &AccountName, by: &str) -> Result<bool, TemporalError> {
        let workflow_id = id::freeze(account);
        let handle = self.client.get_workflow_handle::<FreezeWorkflow>(&workflow_id);
        let lifted = handle
            .signal(Thaw, by.to_owned(), WorkflowSignalOptions::default())
            .await;
        let was_frozen = match lifted {
            Ok(()) => true,
            Err(WorkflowInteractionError::NotFound(_)) => false,
            Err(error) => return Err(TemporalError::new(format!("reach `{workflow_id}`"), error)),
        };
        // Also if nothing is frozen any more: the schedule may not know, since an earlier call failed here.
        let schedule = self.status(&id::schedule(account)).await?;
        if was_frozen || schedule == Some(WorkflowExecutionStatus::Running) {
            let message = ScheduleMessage::Thawed { by: by.to_owned() };
            self.signal_schedule(account, &message).await?;
        }
        Ok(was_frozen)
    }

    /// The open freeze of an account in words. No worker is asked for it, so it is cheap, and known while none runs.
    pub async fn freeze_words(&self, account: &AccountName) -> Result<Option<String>, TemporalError> {
        let described = self.describe(&id::freeze(account)).await?;
        Ok(described
            .filter(|described| described.status == WorkflowExecutionStatus::Running)
            .map(|described| {
                let words = described.summary.unwrap_or_default();
                match words.strip_prefix(&summary_prefix(account)) {
                    Some(words) => words.to_owned(),
                    None => words,
                }
            }))
    }

    /// The freeze that a person began, if it is not over.
    pub async fn frozen(&self, account: &AccountName) -> Result<Option<Freeze>, TemporalError> {
        let workflow_id = id::freeze(account);
        if self.status(&workflow_id).await? != Some(WorkflowExecutionStatus::Running) {
            return Ok(None);
        }
        self.query::<FreezeWorkflow, _>(&workflow_id, FreezeState, ())
            .await
    }
}

/// The summary is shown in the Temporal UI, and is never encrypted.
fn summary(account: &AccountName, freeze: &Freeze) -> String {
    format!("{}{freeze}", summary_prefix(account))
}

fn summary_prefix(account: &AccountName) -> String {
    format!("{account}: ")
}
