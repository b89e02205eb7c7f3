//! What the history of a schedule says about it: what it received, what it did not read, and until when it had planned
//! everything.

use std::collections::{BTreeMap, BTreeSet};

use chain::error_text::with_causes;
use temporalio_common::data_converters::DataConverter;
use temporalio_common::protos::temporal::api::history::v1::HistoryEvent;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

use crate::clock;
use crate::contract::{ScheduleInput, ScheduleMessage};
use crate::definition::StackDependencyChainWorkflow;
use crate::record::of_workflow;

/// The activity that tells a new schedule what is open. A schedule processes nothing before that.
const LEARNS: &str = "find_open_work";
/// The activity that lists the stacks of the account. What was known when it began is planned with its result.
const LISTS: &str = "fetch_dependent_stacks";

/// An event that matters here. Events are named by their ids.
#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    /// The history goes on where an earlier one ended. What that one had received and not processed follows.
    Continues,
    /// A later history goes on where this one ends.
    Continued,
    TaskStarted {
        at_ms: i64,
    },
    TaskCompleted,
    ListingScheduled {
        event: i64,
    },
    LearningScheduled {
        event: i64,
    },
    ActivityCompleted {
        scheduled: i64,
    },
    /// The record of a chain is being opened.
    OpeningBegan {
        event: i64,
    },
    OpeningEnded {
        began: i64,
    },
    Received(Box<Received>),
}

/// A message, or why this build cannot read it.
#[derive(Debug, PartialEq)]
pub(crate) struct Received {
    pub(crate) event: i64,
    pub(crate) at_ms: i64,
    pub(crate) message: Result<ScheduleMessage, String>,
}

pub(crate) async fn steps(converter: &DataConverter, events: Vec<HistoryEvent>) -> Vec<Step> {
    let mut steps = Vec::new();
    for event in events {
        let (id, at_ms) = (event.event_id, at_ms(&event));
        let Some(attributes) = event.attributes else {
            continue;
        };
        let step = match attributes {
            Attributes::WorkflowExecutionStartedEventAttributes(started)
                if !started.continued_execution_run_id.is_empty() =>
            {
                steps.push(Step::Continues);
                let payloads = started.input.unwrap_or_default().payloads;
                let input: Result<ScheduleInput, _> = converter.from_payloads(&of_workflow(), payloads).await;
                steps.extend(input.into_iter().flat_map(|input| input.untaken).map(|message| {
                    Step::Received(Box::new(Received {
                        event: id,
                        at_ms,
                        message: Ok(message),
                    }))
                }));
                continue;
            }
            Attributes::WorkflowExecutionContinuedAsNewEventAttributes(_) => Step::Continued,
            Attributes::WorkflowTaskStartedEventAttributes(_) => Step::TaskStarted { at_ms },
            Attributes::WorkflowTaskCompletedEventAttributes(_) => Step::TaskCompleted,
            Attributes::ActivityTaskScheduledEventAttributes(scheduled) => {
                match scheduled.activity_type.unwrap_or_default().name.as_str() {
                    LEARNS => Step::LearningScheduled { event: id },
                    LISTS => Step::ListingScheduled { event: id },
                    _ => continue,
                }
            }
            Attributes::ActivityTaskCompletedEventAttributes(completed) => Step::ActivityCompleted {
                scheduled: completed.scheduled_event_id,
            },
            Attributes::StartChildWorkflowExecutionInitiatedEventAttributes(child)
                if child
                    .workflow_type
                    .as_ref()
                    .is_some_and(|workflow| workflow.name == StackDependencyChainWorkflow::NAME) =>
            {
                Step::OpeningBegan { event: id }
            }
            Attributes::ChildWorkflowExecutionStartedEventAttributes(child) => Step::OpeningEnded {
                began: child.initiated_event_id,
            },
            Attributes::StartChildWorkflowExecutionFailedEventAttributes(child) => Step::OpeningEnded {
                began: child.initiated_event_id,
            },
            Attributes::WorkflowExecutionSignaledEventAttributes(signal) => {
                let payloads = signal.input.unwrap_or_default().payloads;
                let message = converter.from_payloads(&of_workflow(), payloads).await;
                Step::Received(Box::new(Received {
                    event: id,
                    at_ms,
                    message: message.map_err(|problem| with_causes(&problem)),
                }))
            }
            _ => continue,
        };
        steps.push(step);
    }
    steps
}

fn at_ms(event: &HistoryEvent) -> i64 {
    let at = event.event_time.unwrap_or_default();
    clock::of_timestamp_ms(at.seconds, at.nanos)
}

/// What no workflow task has processed, and whether anything was processed: a schedule that had not learned what is open
/// has processed nothing.
pub(crate) fn unread(steps: &[Step]) -> (&[Step], bool) {
    let last = steps.iter().rposition(|step| *step == Step::TaskCompleted);
    let read = last.filter(|last| learned(steps).is_some_and(|learned| learned < *last));
    (&steps[read.map_or(0, |last| last + 1)..], read.is_some())
}

/// Where the schedule learned what is open. It knew from the beginning if it continued an earlier history.
fn learned(steps: &[Step]) -> Option<usize> {
    let mut asked = None;
    steps.iter().position(|step| match step {
        Step::Continues => true,
        Step::LearningScheduled { event } => {
            asked = Some(*event);
            false
        }
        Step::ActivityCompleted { scheduled } => asked == Some(*scheduled),
        _ => false,
    })
}

/// Until when everything that the schedule received is planned, and the chains are open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Planning {
    pub(crate) until_ms: Option<i64>,
    /// The same, if the next history opened all chains that this one had planned.
    pub(crate) until_if_continued_ms: Option<i64>,
    /// This history opened all chains that the one before had planned.
    pub(crate) opened_earlier: bool,
}

/// A listing plans everything that was received before the workflow task that requested it. The chains are opened after
/// that, a few at a time and not while others are being opened. So they are open once a task began with no opening under way
/// and began none.
pub(crate) fn planning(steps: &[Step]) -> Planning {
    let mut found = Planning::default();
    let mut task_ms = 0;
    let mut requested: BTreeMap<i64, i64> = BTreeMap::new();
    // The listings that ended, and that were then processed, by what they plan.
    let (mut ended, mut processed): (Option<i64>, Option<i64>) = (None, None);
    let mut processed_before = None;
    let mut opening: BTreeSet<i64> = BTreeSet::new();
    let mut began_quietly = false;
    // The last task had no chain to open.
    let mut is_settled = false;
    let mut continued = false;
    for step in steps {
        match step {
            Step::TaskStarted { at_ms } => {
                task_ms = *at_ms;
                found.settle(is_settled, processed);
                began_quietly = opening.is_empty();
            }
            Step::TaskCompleted => {
                if let Some(ended) = ended.take() {
                    processed_before = processed;
                    processed = processed.max(Some(ended));
                }
                is_settled = began_quietly;
            }
            Step::ListingScheduled { event } => {
                requested.insert(*event, task_ms);
            }
            Step::ActivityCompleted { scheduled } => ended = ended.max(requested.remove(scheduled)),
            Step::OpeningBegan { event } => {
                opening.insert(*event);
                is_settled = false;
            }
            Step::OpeningEnded { began } => {
                opening.remove(began);
            }
            // What is not open by now is forgotten, and found again.
            Step::Received(received) if received.message == Ok(ScheduleMessage::Rebuild) => {
                found.settle(is_settled, processed);
                requested.clear();
                (ended, processed, processed_before) = (None, None, None);
            }
            Step::Continued => continued = true,
            Step::Continues | Step::LearningScheduled { .. } | Step::Received(_) => {}
        }
    }
    found.until_if_continued_ms = found.until_ms.max(processed);
    if continued {
        // A history that is full opens no more chains, and may have processed one more listing.
        found.until_ms = found.until_ms.min(processed_before);
    } else {
        found.settle(is_settled, processed);
    }
    found
}

impl Planning {
    fn settle(&mut self, is_settled: bool, processed: Option<i64>) {
        if is_settled {
            self.opened_earlier = true;
            self.until_ms = self.until_ms.max(processed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history in words: `task 5`, `done`, `list 7`, `learn 8`, `answer 7`, `open 9`, `opened 9`, `rebuild`, `wake`,
    /// `continues`, `continued`.
    fn history(text: &str) -> Vec<Step> {
        let received = |message| {
            Step::Received(Box::new(Received {
                event: 0,
                at_ms: 0,
                message: Ok(message),
            }))
        };
        text.split(", ")
            .map(|step| {
                let (word, number) = step.split_once(' ').unwrap_or((step, "0"));
                let number: i64 = number.parse().unwrap();
                match word {
                    "task" => Step::TaskStarted { at_ms: number },
                    "done" => Step::TaskCompleted,
                    "list" => Step::ListingScheduled { event: number },
                    "learn" => Step::LearningScheduled { event: number },
                    "answer" => Step::ActivityCompleted { scheduled: number },
                    "open" => Step::OpeningBegan { event: number },
                    "opened" => Step::OpeningEnded { began: number },
                    "rebuild" => received(ScheduleMessage::Rebuild),
                    "wake" => received(ScheduleMessage::Wake),
                    "continues" => Step::Continues,
                    "continued" => Step::Continued,
                    other => panic!("{other}"),
                }
            })
            .collect()
    }

    #[test]
    fn everything_is_planned_until_the_task_that_requested_the_last_listing() {
        for (text, expected) in [
            ("task 10, done, learn 1", None),
            ("task 10, done, list 1", None),
            // Nobody has processed the answer.
            ("task 10, done, list 1, answer 1", None),
            ("task 10, done, list 1, answer 1, task 20", None),
            ("task 10, done, list 1, answer 1, task 20, done", Some(10)),
            ("task 10, done, list 1, answer 1, task 20, done, list 2", Some(10)),
            (
                "task 10, done, list 1, answer 1, task 20, done, list 2, answer 2, task 30, done",
                Some(20),
            ),
            // More chains may wait for their turn.
            (
                "task 10, done, list 1, answer 1, task 20, done, open 2, open 3, opened 2, task 30, done",
                None,
            ),
            (
                "task 10, done, list 1, answer 1, task 20, done, open 2, open 3, opened 2, opened 3, task 30, done",
                Some(10),
            ),
            (
                "task 10, done, list 1, answer 1, task 20, done, open 2, opened 2, task 30, done, open 4",
                None,
            ),
            (
                "task 10, done, list 1, answer 1, task 20, done, open 2, opened 2",
                None,
            ),
            // What the second listing planned waits until the chain of the first one is open.
            (
                "task 10, done, list 1, answer 1, task 20, done, list 2, open 3, answer 2, task 30, done, opened 3, task 40",
                None,
            ),
            (
                "task 10, done, list 1, answer 1, task 20, done, list 2, open 3, answer 2, task 30, done, opened 3, task 40, done, \
                 open 4, opened 4, task 50, done",
                Some(20),
            ),
            // Another activity ends.
            ("task 10, done, list 1, answer 5, task 20, done", None),
        ] {
            assert_eq!(planning(&history(text)).until_ms, expected, "{text}");
        }
    }

    #[test]
    fn a_rebuild_forgets_what_is_not_planned_yet() {
        for (text, expected) in [
            (
                "task 10, done, list 1, answer 1, task 20, done, rebuild, task 30, done, learn 3",
                Some(10),
            ),
            (
                "task 10, done, list 1, rebuild, answer 1, task 20, done, learn 3, task 30, done",
                None,
            ),
            (
                "task 10, done, list 1, answer 1, rebuild, task 20, done, learn 3, task 30, done",
                None,
            ),
            (
                "task 10, done, list 1, answer 1, task 20, done, open 2, rebuild, opened 2, task 30, done, learn 3",
                None,
            ),
            (
                "task 10, done, list 1, rebuild, task 20, done, learn 3, answer 3, task 30, done, list 4, answer 4, task 40, done",
                Some(30),
            ),
        ] {
            assert_eq!(planning(&history(text)).until_ms, expected, "{text}");
        }
    }

    #[test]
    fn chains_that_a_history_planned_at_its_end_are_opened_by_the_next() {
        let ended = planning(&history(
            "task 10, done, list 1, answer 1, task 20, done, continued",
        ));
        assert_eq!((ended.until_ms, ended.until_if_continued_ms), (None, Some(10)));
        for (next, opened_earlier) in [
            ("continues", false),
            ("continues, task 30", false),
            ("continues, task 30, done", true),
            ("continues, task 30, done, open 1", false),
            // The next one of many may be about to be opened.
            ("continues, task 30, done, open 1, opened 1, task 40", false),
            ("continues, task 30, done, open 1, opened 1, task 40, done", true),
        ] {
            assert_eq!(planning(&history(next)).opened_earlier, opened_earlier, "{next}");
        }
    }

    /// A history that is full opens nothing, and it processes at most one listing: it requests no other.
    #[test]
    fn what_the_last_listing_of_a_full_history_planned_may_not_be_open() {
        for (text, expected) in [
            (
                "task 10, done, list 1, answer 1, task 20, done, task 30, done, continued",
                None,
            ),
            (
                "task 10, done, list 1, answer 1, task 20, done, list 2, answer 2, task 30, done, task 40, done, continued",
                Some(10),
            ),
        ] {
            let planning = planning(&history(text));
            assert_eq!(planning.until_ms, expected, "{text}");
            assert!(planning.until_if_continued_ms > expected, "{text}");
        }
    }

    #[test]
    fn only_what_no_task_processed_is_unread() {
        for (text, left, has_read) in [
            ("wake, task 10, done, learn 1, wake", 5, false),
            ("wake, task 10, done, learn 1, answer 1, wake", 6, false),
            (
                "wake, task 10, done, learn 1, answer 1, task 20, done, wake",
                1,
                true,
            ),
            ("continues, wake, task 10, done", 0, true),
            ("continues, wake, task 10", 3, false),
            ("continues, rebuild, wake, task 10, wake", 5, false),
        ] {
            let steps = history(text);
            let (unread, read) = unread(&steps);
            assert_eq!((unread.len(), read), (left, has_read), "{text}");
        }
    }
}
