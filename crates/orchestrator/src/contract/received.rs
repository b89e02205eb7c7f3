//! What the webhook records, in Temporal or, while Temporal is away, in the queue.

use audit::Entry;
use chain::event::EndedRun;
use chain::{AccountName, RunEvent, RunRequest};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock;

/// Something authentic that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Received {
    /// A run changed its state.
    Event { event: ReceivedEvent },
    /// Somebody wants a run. With its id, the same request asks for one run however often it comes.
    Request {
        account: AccountName,
        id: String,
        request: RunRequest,
    },
    /// Somebody says that a run is over: it is looked at.
    RunEnded { account: AccountName, ended: EndedRun },
}

impl Received {
    /// An event that came just now.
    pub fn event(event: Box<RunEvent>) -> Self {
        Self::Event {
            event: ReceivedEvent {
                event,
                received_at_ms: Some(clock::now_ms()),
            },
        }
    }

    /// A request, with an id of its own where who asks gave none.
    pub fn request(account: AccountName, request: RunRequest) -> Self {
        let id = request
            .request_id
            .as_ref()
            .map_or_else(|| Uuid::new_v4().to_string(), ToString::to_string);
        Self::Request { account, id, request }
    }

    /// Says in the audit log what it is about.
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

/// Signal `record_event`: an event, and when it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedEvent {
    pub event: Box<RunEvent>,
    /// When the webhook was called.
    #[serde(default)]
    pub received_at_ms: Option<i64>,
}

/// Where something was received first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Webhook,
    /// `trigger_stack_run`, which made the run.
    Trigger,
    /// The queue, where it waited while Temporal was away.
    Queue,
    /// The sweep, which found that no webhook had come.
    Reconcile,
    /// A person with the command line.
    Operator,
}
