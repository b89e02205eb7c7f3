//! What a schedule that was lost had received and not read.

use chain::AccountName;
use temporalio_client::{NamespacedClient, WorkflowExecutionInfo, WorkflowFetchHistoryOptions};
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::contract::ScheduleMessage;
use crate::id;
use crate::record::of_workflow;
use crate::{TemporalError, WorkflowClient};

impl WorkflowClient {
    /// The messages that a schedule had not read when it was terminated, the oldest first. Those that this build cannot
    /// read are left out.
    pub async fn unread_messages(
        &self,
        account: &AccountName,
        workflow_run_id: &str,
    ) -> Result<Vec<ScheduleMessage>, TemporalError> {
        let execution = WorkflowExecutionInfo::builder()
            .namespace(self.client().namespace())
            .workflow_id(id::schedule(account))
            .run_id(workflow_run_id)
            .build();
        let history = execution
            .bind_untyped(self.client().clone())
            .fetch_history(WorkflowFetchHistoryOptions::default());
        let events = history
            .into_events()
            .await
            .map_err(|error| TemporalError::new("read the history of the lost schedule", error))?;
        let mut messages = Vec::new();
        for event in unread(events) {
            if let Some(Attributes::WorkflowExecutionSignaledEventAttributes(signal)) = event.attributes {
                let payloads = signal.input.unwrap_or_default().payloads;
                let message = self
                    .client()
                    .data_converter()
                    .from_payloads(&of_workflow(), payloads)
                    .await;
                messages.extend(message.ok());
            }
        }
        Ok(messages)
    }
}

/// The events that no workflow task has processed. A schedule that had not learned what is open has processed nothing.
fn unread(events: Vec<HistoryEvent>) -> Vec<HistoryEvent> {
    let is_continued = events.first().is_some_and(|event| match &event.attributes {
        Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) => {
            !started.continued_execution_run_id.is_empty()
        }
        _ => false,
    });
    let had_learned = is_continued
        || events.iter().any(|event| {
            matches!(
                event.attributes,
                Some(Attributes::ActivityTaskCompletedEventAttributes(_))
            )
        });
    let is_processed = |event: &HistoryEvent| {
        matches!(
            event.attributes,
            Some(Attributes::WorkflowTaskCompletedEventAttributes(_))
        )
    };
    let read = events.iter().rposition(is_processed).filter(|_| had_learned);
    events.into_iter().skip(read.map_or(0, |last| last + 1)).collect()
}
