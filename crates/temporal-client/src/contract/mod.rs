//! The data that cross Temporal: inputs, outputs and signals of workflows, and inputs and outputs of activities.
//!
//! Histories outlive deployments, so a field is only ever added, with a default, and never renamed. The same rule holds
//! for the types of `chain` that are used here.

pub mod audit_log;
pub mod chain_record;
pub mod execution;
pub mod freeze;
pub mod halt;
pub mod notify;
pub mod received;
pub mod run;
pub mod schedule;
pub mod sweep;

pub use audit_log::AuditInput;
pub use chain_record::{AuditRecords, ChainAudit, ChainInput, ChainOrder, ChainReport};
pub use execution::{ExecutionInput, ExecutionRef};
pub use freeze::FreezeInput;
pub use halt::Halt;
pub use notify::{
    Deliveries, NotifyInput, RunNotifyInput, SendNotices, SendRunNotices, SentNotices, SentRunNotices,
};
pub use received::{Received, ReceivedEvent, Source};
pub use run::{
    FollowInput, FollowOutcome, FollowResult, RetryRequest, RunLook, RunLookRequest, RunRef, RunRequested,
    RunStop, Subject,
};
pub use schedule::{
    ListRequest, ListedStacks, OpenChains, OpenWork, OpenWorkRequest, ScheduleInput, ScheduleMessage,
};
pub use sweep::{SweepInput, SweepOutcome};

/// The version of the inputs that this program writes.
pub const VERSION: u32 = 1;

/// The error of a query that reached a worker before the workflow task whose events it had to read.
pub const EARLY_QUERY: &str = "the query came before its workflow task";
