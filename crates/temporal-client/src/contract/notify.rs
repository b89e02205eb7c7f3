//! `NotifyWorkflow` sends messages about one chain, `RunNotifyWorkflow` about one run.

use std::collections::BTreeMap;

use chain::Notice;
use chain::notice::{Delivery, RunMessage};
use serde::{Deserialize, Serialize};
use settings::Timing;

/// What was delivered to each sink, by the sink's name.
pub type Deliveries = BTreeMap<String, Delivery>;

/// Input of `NotifyWorkflow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyInput {
    pub version: u32,
    pub notice: Notice,
    pub timing: Timing,
    /// The state of an earlier history.
    #[serde(default)]
    pub deliveries: Deliveries,
}

/// Input of the activity `send_notices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendNotices {
    pub notice: Notice,
    #[serde(default)]
    pub deliveries: Deliveries,
}

/// Output of the activity `send_notices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentNotices {
    #[serde(default)]
    pub deliveries: Deliveries,
    /// When a sink has to be tried next, if the chain does not change before.
    #[serde(default)]
    pub next_at_ms: Option<i64>,
    /// The chain will send no other notice, although its last one was not about its end: it was terminated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chain_is_gone: bool,
}

/// Input of `RunNotifyWorkflow`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunNotifyInput {
    pub version: u32,
    /// The messages that are not delivered yet.
    pub messages: Vec<RunMessage>,
    /// When the messages were ordered, in milliseconds since 1970.
    pub since_ms: i64,
    pub timing: Timing,
}

/// Input of the activity `send_run_notices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendRunNotices {
    pub messages: Vec<RunMessage>,
}

/// Output of the activity `send_run_notices`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentRunNotices {
    /// The messages that are not delivered yet.
    #[serde(default)]
    pub left: Vec<RunMessage>,
    /// When the next of them is due.
    #[serde(default)]
    pub next_at_ms: Option<i64>,
}
