#![doc = include_str!("../README.md")]

pub mod chain;
pub mod event;
pub mod graph;
pub mod id;
pub mod label;
pub mod problem;
pub mod render;
pub mod run;
pub mod settings;
pub mod signature;
pub mod walk;

pub use chain::{Chain, ChainStack, CommitChoice, CommitReason, LeftOut, LeftOutReason, Refusal, Root, plan};
pub use event::{Delivery, Delta, Ignored, RunEvent, RunRequest, UnreadableBody};
pub use graph::{DependencyGraph, StackFacts};
pub use id::{AccountName, RequestId, RunId, SpaceId, StackId};
pub use label::LabelGrammar;
pub use problem::{Problem, Severity};
pub use run::{CommitSha, RunState, RunType};
pub use settings::{ChainSettings, OnFailure};
pub use walk::{Outcome, Reason, StackProgress, StackState, Walk};
