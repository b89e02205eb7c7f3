//! What the histories of lost schedules tell the next one.

use chain::{AccountName, RunFacts, StackId};
use futures::StreamExt;
use temporalio_client::{
    NamespacedClient, WorkflowExecutionInfo, WorkflowExecutionStatus, WorkflowFetchHistoryOptions,
};

use crate::contract::{OpenWorkRequest, ScheduleMessage};
use crate::schedule_history::{Received, Step, planning, steps, unread};
use crate::{TemporalError, WorkflowClient, clock, id};

/// What the histories of an account's schedules say.
#[derive(Debug, Default)]
pub struct LostSchedules {
    /// What terminated schedules had received and not read. The oldest first.
    pub unread: Vec<ScheduleMessage>,
    pub unreadable: Vec<UnreadableMessage>,
    /// Everything that was received before is planned, and its chains are open. In milliseconds since 1970.
    pub planned_until_ms: Option<i64>,
    /// Runs of another Spillway. The oldest first.
    pub conflicts: Vec<(StackId, RunFacts)>,
    /// When a person last allowed triggers again.
    pub resumed_at_ms: Option<i64>,
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

impl WorkflowClient {
    /// What the schedules say that came before the one that asks, and that one itself. Causes and runs of another Spillway
    /// that were received before these times do not matter.
    pub async fn lost_schedules(
        &self,
        request: &OpenWorkRequest,
        causes_since_ms: i64,
        conflicts_since_ms: i64,
    ) -> Result<LostSchedules, TemporalError> {
        let mut found = self.schedules(&request.account);
        let mut all = LostSchedules::default();
        // A schedule that discarded its state had read everything.
        let mut has_read = request.lost;
        let mut opened_later = false;
        while let Some(execution) = found.next().await {
            let execution = execution.map_err(|error| TemporalError::new("find the lost schedule", error))?;
            let closed_at_ms = execution.close_time().map(clock::since_1970_ms);
            // It had nothing to do any more.
            if execution.status() == WorkflowExecutionStatus::Completed {
                all.planned_until_ms = all.planned_until_ms.or(closed_at_ms);
                break;
            }
            let since_ms = match all.planned_until_ms {
                Some(_) => conflicts_since_ms,
                None => causes_since_ms.min(conflicts_since_ms),
            };
            if has_read && closed_at_ms.is_some_and(|at_ms| at_ms < since_ms) {
                break;
            }
            let history = self
                .history_of_schedule(&request.account, execution.run_id())
                .await?;
            all.add_conflicts(&history);
            let planning = planning(&history);
            if all.planned_until_ms.is_none() {
                all.planned_until_ms = if opened_later {
                    planning.until_if_continued_ms
                } else {
                    planning.until_ms
                };
            }
            let is_continuation = history.first() == Some(&Step::Continues);
            opened_later = is_continuation && (opened_later || planning.opened_earlier);
            if !has_read && execution.run_id() != request.asked_by {
                let (left, was_read) = unread(&history);
                all.add_unread(execution.run_id(), left);
                has_read = was_read;
            }
        }
        Ok(all)
    }

    async fn history_of_schedule(
        &self,
        account: &AccountName,
        workflow_run_id: &str,
    ) -> Result<Vec<Step>, TemporalError> {
        let execution = WorkflowExecutionInfo::builder()
            .namespace(self.client().namespace())
            .workflow_id(id::schedule(account))
            .run_id(workflow_run_id)
            .build();
        let events = execution
            .bind_untyped(self.client().clone())
            .fetch_history(WorkflowFetchHistoryOptions::default())
            .into_events()
            .await
            .map_err(|error| TemporalError::new("read the history of the lost schedule", error))?;
        Ok(steps(self.client().data_converter(), events).await)
    }
}

fn received(steps: &[Step]) -> impl Iterator<Item = &Received> {
    steps.iter().filter_map(|step| match step {
        Step::Received(received) => Some(&**received),
        _ => None,
    })
}

impl LostSchedules {
    /// Adds an older history.
    fn add_unread(&mut self, workflow_run_id: &str, steps: &[Step]) {
        let (mut messages, mut unreadable) = (Vec::new(), Vec::new());
        for received in received(steps) {
            match &received.message {
                Ok(message) => messages.push(message.clone()),
                Err(reason) => unreadable.push(UnreadableMessage {
                    workflow_run_id: workflow_run_id.to_owned(),
                    event_id: received.event,
                    reason: reason.clone(),
                }),
            }
        }
        self.unread.splice(0..0, messages);
        self.unreadable.splice(0..0, unreadable);
    }

    /// Adds an older history.
    fn add_conflicts(&mut self, steps: &[Step]) {
        let mut older = Vec::new();
        for received in received(steps) {
            match &received.message {
                Ok(ScheduleMessage::Resumed { .. }) => {
                    self.resumed_at_ms = self.resumed_at_ms.max(Some(received.at_ms));
                }
                Ok(ScheduleMessage::RunMoved { stack, run } | ScheduleMessage::RunEnded { stack, run })
                    if run.other_spillway.is_some() =>
                {
                    older.push((stack.clone(), run.clone()));
                }
                _ => {}
            }
        }
        self.conflicts.splice(0..0, older);
    }
}

#[cfg(test)]
mod tests {
    use temporalio_common::data_converters::DataConverter;
    use temporalio_common::protos::temporal::api::common::v1::{Payload, Payloads};
    use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
    use temporalio_common::protos::temporal::api::history::v1::{
        HistoryEvent, WorkflowExecutionSignaledEventAttributes,
    };

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
        let mut all = LostSchedules::default();
        all.add_unread("a-run", &steps(&DataConverter::default(), events).await);
        assert_eq!(all.unread.len(), 2);
        let [unreadable] = &all.unreadable[..] else {
            panic!("{:?}", all.unreadable);
        };
        assert_eq!(
            (unreadable.workflow_run_id.as_str(), unreadable.event_id),
            ("a-run", 7)
        );
        assert!(!unreadable.reason.is_empty());
    }
}
