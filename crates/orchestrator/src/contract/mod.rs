//! What crosses Temporal: inputs, outputs and signals of workflows, and what activities take and give.
//!
//! Histories outlive deployments, so a field is only ever added, with a default, and never renamed. The types of `chain`
//! that are named here keep the same rule.

pub mod chain_record;
pub mod execution;
pub mod received;
pub mod run;
pub mod schedule;
pub mod sweep;

pub use chain_record::{ChainAudit, ChainInput, ChainReport};
pub use execution::ExecutionInput;
pub use received::{Received, ReceivedEvent, Source};
pub use run::{FollowInput, FollowOutcome, FollowResult, RunLook, RunLookRequest, RunRef, Subject};
pub use schedule::{ListRequest, ListedStacks, OpenWork, OpenWorkRequest, ScheduleInput, ScheduleMessage};
pub use sweep::{SweepInput, SweepOutcome};

/// The shape of inputs that this version writes.
pub const VERSION: u32 = 1;
