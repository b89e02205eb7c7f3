//! What the webhook records: in Temporal, or in the queue while Temporal cannot be reached.

use audit::Entry;
use chain::event::EndedRun;
use chain::{AccountName, RunEvent, RunRequest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock;

/// An authentic delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Received {
    /// A run changed its state.
    Event { event: ReceivedEvent },
    /// A request for a run. It has an id, so that a request that arrives twice asks for one run only.
    Request {
        account: AccountName,
        id: String,
        request: RunRequest,
        /// When it was received.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        received_at_ms: Option<i64>,
    },
    /// Somebody reports that a run is over, so the run is looked up.
    RunEnded { account: AccountName, ended: EndedRun },
}

impl Received {
    /// An event that was received now.
    pub fn event(event: Box<RunEvent>) -> Self {
        Self::Event {
            event: ReceivedEvent {
                event,
                received_at_ms: Some(clock::now_ms()),
            },
        }
    }

    /// A request. It gets an id if the sender gave none.
    pub fn request(account: AccountName, request: RunRequest) -> Self {
        let id = request
            .request_id
            .as_ref()
            .map_or_else(|| Uuid::new_v4().to_string(), ToString::to_string);
        Self::Request {
            account,
            id,
            request,
            received_at_ms: Some(clock::now_ms()),
        }
    }

    /// Adds account, stack and run to an entry of the audit log.
    pub fn identify(&self, entry: &mut Entry) {
        match self {
            Self::Event { event } => {
                let event = &event.event;
                entry.account = Some(event.account.clone());
                entry.stack = Some(event.stack.clone());
                entry.run = Some(event.run.clone());
                entry.commit.clone_from(&event.commit);
            }
            Self::Request { account, request, .. } => {
                entry.account = Some(account.clone());
                entry.stack = Some(request.stack.clone());
            }
            Self::RunEnded { account, ended } => {
                entry.account = Some(account.clone());
                entry.stack = Some(ended.stack.clone());
                entry.run = Some(ended.run.clone());
            }
        }
    }
}

/// Signal `record_event`: an event, and when it was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedEvent {
    pub event: Box<RunEvent>,
    /// When the webhook was called.
    #[serde(default)]
    pub received_at_ms: Option<i64>,
}

/// Where something was first received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Webhook,
    /// `trigger_stack_run`, which triggered the run.
    Trigger,
    /// The queue, where it waited while Temporal could not be reached.
    Queue,
    /// The sweep, which found a run whose webhook was missed.
    Reconcile,
    /// A person, with the command line.
    Operator,
}
