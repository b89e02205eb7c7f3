//! What a schedule that was lost had received and not read.

use chain::AccountName;
use futures::StreamExt;
use temporalio_client::{
    NamespacedClient, WorkflowExecutionInfo, WorkflowExecutionStatus, WorkflowFetchHistoryOptions,
};
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::contract::ScheduleMessage;
use crate::id;
use crate::record::of_workflow;
use crate::{TemporalError, WorkflowClient};

/// The activity that tells a new schedule what is open. A schedule processes nothing before that.
const LEARNS: &str = "find_open_work";

impl WorkflowClient {
    /// The messages that terminated schedules had not read, the oldest first. Those that this build cannot read are left
    /// out.
    pub async fn unread_messages(
        &self,
        account: &AccountName,
        asked_by: &str,
    ) -> Result<Vec<ScheduleMessage>, TemporalError> {
        let mut found = self.schedules(account);
        let mut messages = Vec::new();
        while let Some(execution) = found.next().await {
            let execution = execution.map_err(|error| TemporalError::new("find the lost schedule", error))?;
            if execution.run_id() == asked_by {
                continue;
            }
            if execution.status() == WorkflowExecutionStatus::Completed {
                break;
            }
            let events = self.history_of_schedule(account, execution.run_id()).await?;
            let (unread, has_read) = unread(events);
            let older = std::mem::replace(&mut messages, self.messages(unread).await);
            messages.extend(older);
            if has_read {
                break;
            }
        }
        Ok(messages)
    }

    async fn history_of_schedule(
        &self,
        account: &AccountName,
        workflow_run_id: &str,
    ) -> Result<Vec<HistoryEvent>, TemporalError> {
        let execution = WorkflowExecutionInfo::builder()
            .namespace(self.client().namespace())
            .workflow_id(id::schedule(account))
            .run_id(workflow_run_id)
            .build();
        execution
            .bind_untyped(self.client().clone())
            .fetch_history(WorkflowFetchHistoryOptions::default())
            .into_events()
            .await
            .map_err(|error| TemporalError::new("read the history of the lost schedule", error))
    }

    async fn messages(&self, events: Vec<HistoryEvent>) -> Vec<ScheduleMessage> {
        let mut messages = Vec::new();
        for event in events {
            if let Some(Attributes::WorkflowExecutionSignaledEventAttributes(signal)) = event.attributes {
                let payloads = signal.input.unwrap_or_default().payloads;
                let converter = self.client().data_converter();
                let message = converter.from_payloads(&of_workflow(), payloads).await;
                messages.extend(message.ok());
            }
        }
        messages
    }
}

/// The events that no workflow task has processed, and whether others were: a schedule that had not learned what is open
/// has processed nothing.
fn unread(events: Vec<HistoryEvent>) -> (Vec<HistoryEvent>, bool) {
    let is_processed = |event: &HistoryEvent| {
        matches!(
            event.attributes,
            Some(Attributes::WorkflowTaskCompletedEventAttributes(_))
        )
    };
    let last = events.iter().rposition(is_processed);
    let read = last.filter(|last| learned(&events).is_some_and(|learned| learned < *last));
    let from = read.map_or(0, |last| last + 1);
    (events.into_iter().skip(from).collect(), read.is_some())
}

/// Where the schedule learned what is open. It knew from the beginning if it continued an earlier history.
fn learned(events: &[HistoryEvent]) -> Option<usize> {
    let mut asked = None;
    events.iter().position(|event| match &event.attributes {
        Some(Attributes::WorkflowExecutionStartedEventAttributes(started)) => {
            !started.continued_execution_run_id.is_empty()
        }
        Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => {
            let activity = scheduled.activity_type.as_ref();
            if activity.is_some_and(|activity| activity.name == LEARNS) {
                asked = Some(event.event_id);
            }
            false
        }
        Some(Attributes::ActivityTaskCompletedEventAttributes(completed)) => {
            asked == Some(completed.scheduled_event_id)
        }
        _ => false,
    })
}
