#![doc = include_str!("../README.md")]

pub mod attempt;
pub mod binding;
pub mod chain;
pub mod changes;
pub mod commit;
pub mod depend;
pub mod duration;
pub mod error_text;
pub mod event;
pub mod follow;
pub mod freeze;
pub mod graph;
pub mod id;
pub mod label;
pub mod metadata;
pub mod migration;
pub mod name;
pub mod notice;
pub mod page;
pub mod pattern;
pub mod policy;
pub mod problem;
pub mod reason;
pub mod record;
pub mod render;
pub mod retry;
pub mod run;
pub mod schedule;
pub mod settings;
pub mod signature;
pub mod teardown;
pub mod terraform;
pub mod trigger_policy;

pub use attempt::{AttemptOutcome, AttemptRequest, RunFacts, StackLook};
pub use chain::{
    Chain, ChainStack, CommitChoice, CommitReason, LeftOut, LeftOutReason, Refusal, Root, Scope, plan,
    plan_only,
};
pub use changes::RunChanges;
pub use commit::{Commit, Push};
pub use event::{Delivery, Delta, Ignored, RunEvent, RunRequest, UnreadableBody};
pub use graph::{DependencyGraph, StackFacts};
pub use id::{AccountName, ChainId, RequestId, RunId, SpaceId, StackId};
pub use label::LabelGrammar;
pub use notice::Notice;
pub use policy::{Downstream, StackPolicy};
pub use problem::{Problem, Severity};
pub use reason::{Reason, ReasonCode};
pub use record::{ChainRecord, ChainResult, Change, Counts, Outcome, StackProgress, StackState};
pub use run::{CommitSha, RunState, RunType};
pub use schedule::{Schedule, ScheduleSettings};
pub use settings::{ChainSettings, Confirm, NoChange, OnFailure, UnknownUpstream, milliseconds};
