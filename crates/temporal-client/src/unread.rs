//! What a schedule that was lost had received and not read.

use chain::AccountName;
use chain::error_text::with_causes;
use futures::StreamExt;
use temporalio_client::{
    NamespacedClient, WorkflowExecutionInfo, WorkflowExecutionStatus, WorkflowFetchHistoryOptions,
};
use temporalio_common::data_converters::DataConverter;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::contract::ScheduleMessage;
use crate::id;
use crate::record::of_workflow;
use crate::{TemporalError, WorkflowClient};

/// What terminated schedules had not read.
#[derive(Debug, Default)]
pub struct Unread {
    /// The oldest first.
    pub messages: Vec<ScheduleMessage>,
    pub unreadable: Vec<UnreadableMessage>,
}

/// A message that this build cannot read.
#[derive(Debug, PartialEq, Eq)]
pub struct UnreadableMessage {
    /// The terminated schedule that received it.
    pub workflow_run_id: String,
    /// Where it is in the history of that schedule.
    pub event_id: i64,
    pub reason: String,
}

/// The activity that tells a new schedule what is open. A schedule processes nothing before that.
const LEARNS: &str = "find_open_work";

impl WorkflowClient {
    /// The messages that terminated schedules had not read.
    pub async fn unread_messages(
        &self,
        account: &AccountName,
        asked_by: &str,
    ) -> Result<Unread, TemporalError> {
        let mut found = self.schedules(account);
        let mut all = Unread::default();
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
            let converter = self.client().data_converter();
            let older = read(converter, execution.run_id(), unread).await;
            let newer = std::mem::replace(&mut all, older);
            all.messages.extend(newer.messages);
            all.unreadable.extend(newer.unreadable);
            if has_read {
                break;
            }
        }
        Ok(all)
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
}

/// The messages among these events of a schedule.
async fn read(converter: &DataConverter, workflow_run_id: &str, events: Vec<HistoryEvent>) -> Unread {
    let mut read = Unread::default();
    for event in events {
        if let Some(Attributes::WorkflowExecutionSignaledEventAttributes(signal)) = event.attributes {
            let payloads = signal.input.unwrap_or_default().payloads;
            match converter.from_payloads(&of_workflow(), payloads).await {
                Ok(message) => read.messages.push(message),
                Err(problem) => read.unreadable.push(UnreadableMessage {
                    workflow_run_id: workflow_run_id.to_owned(),
                    event_id: event.event_id,
                    reason: with_causes(&problem),
                }),
            }
        }
    }
    read
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

#[cfg(test)]
mod tests {
    use temporalio_common::protos::temporal::api::common::v1::{Payload, Payloads};
    use temporalio_common::protos::temporal::api::history::v1::WorkflowExecutionSignaledEventAttributes;

    use super::*;

    fn signal(event_id: i64, json: &str) -> HistoryEvent {
        let payload = Payload {
            metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
            data: json.as_bytes().to_vec(),
            ..Payload::default()
        };
        let signal = WorkflowExecutionSignaledEventAttributes {
            input: Some(Payloads {
                payloads: vec![payload],
            }),
            ..WorkflowExecutionSignaledEventAttributes::default()
        };
        HistoryEvent {
            event_id,
            attributes: Some(Attributes::WorkflowExecutionSignaledEventAttributes(signal)),
            ..HistoryEvent::default()
        }
    }

    #[tokio::test]
    async fn a_message_that_cannot_be_read_is_named_with_the_reason() {
        let wake = serde_json::to_string(&ScheduleMessage::Wake).unwrap();
        let events = vec![
            signal(5, &wake),
            signal(7, r#"{"kind": "of a newer build"}"#),
            signal(9, &wake),
        ];
        let read = read(&DataConverter::default(), "a-run", events).await;
        assert_eq!(read.messages.len(), 2);
        let [unreadable] = &read.unreadable[..] else {
            panic!("{:?}", read.unreadable);
        };
        assert_eq!(
            (unreadable.workflow_run_id.as_str(), unreadable.event_id),
            ("a-run", 7)
        );
        assert!(!unreadable.reason.is_empty());
    }
}
