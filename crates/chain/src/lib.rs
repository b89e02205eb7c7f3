#![doc = include_str!("../README.md")]

pub mod attempt;
pub mod chain;
pub mod commit;
pub mod event;
pub mod graph;
pub mod id;
pub mod label;
pub mod problem;
pub mod record;
pub mod render;
pub mod run;
pub mod schedule;
pub mod settings;
pub mod signature;

pub use attempt::{AttemptOutcome, AttemptRequest, RunFacts, StackLook};
pub use chain::{Chain, ChainStack, CommitChoice, CommitReason, LeftOut, LeftOutReason, Refusal, Root, plan};
pub use commit::{Commit, Push};
pub use event::{Delivery, Delta, Ignored, RunEvent, RunRequest, UnreadableBody};
pub use graph::{DependencyGraph, StackFacts};
pub use id::{AccountName, ChainId, RequestId, RunId, SpaceId, StackId};
pub use label::LabelGrammar;
pub use problem::{Problem, Severity};
pub use record::{ChainRecord, ChainResult, Change, Outcome, Reason, StackProgress, StackState};
pub use run::{CommitSha, RunState, RunType};
pub use schedule::{Schedule, ScheduleSettings};
pub use settings::{ChainSettings, OnFailure, UnknownUpstream};
