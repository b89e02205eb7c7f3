//! Makes the immutable [`Chain`] from the graph, a root and the settings: which stacks run, after which others, on
//! which commit, and what is left out and why.

mod links;
mod member;
mod order;
mod planner;
mod scope;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use member::Member;
pub(crate) use planner::members;
pub use planner::{plan, plan_only};
pub use scope::Scope;

use crate::commit::{Commit, Push};
use crate::problem::CyclePath;
use crate::{
    AccountName, ChainId, ChainSettings, CommitSha, Problem, Reason, RunId, SpaceId, StackId, StackPolicy,
};

/// The version of the recorded form of [`Chain`].
pub const VERSION: u32 = 1;

/// The stack whose run finished, or whose downstream was requested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Root {
    pub account: AccountName,
    pub stack: StackId,
    #[serde(default)]
    pub run: Option<RunId>,
    pub branch: String,
    #[serde(default)]
    pub commit: Option<CommitSha>,
    /// The commit's own time, in seconds since 1970.
    #[serde(default)]
    pub commit_timestamp_s: Option<i64>,
    /// The push that brought the commit, if known.
    #[serde(default)]
    pub push: Option<Push>,
    /// When the run ended or the request was made, in seconds since 1970.
    #[serde(default)]
    pub ended_at_s: Option<i64>,
    /// The root itself was requested, so it belongs to the chain.
    #[serde(default)]
    pub is_due: bool,
    /// Whether the run changed any resource, if known.
    #[serde(default)]
    pub changed: Option<bool>,
    /// The chain that this one retries in part.
    #[serde(default)]
    pub retry_of: Option<ChainId>,
    /// Why a person retries that chain, as they said.
    #[serde(default)]
    pub retry_reason: Option<Reason>,
    /// What depends on the root runs the root's commit, also where it is older than its own.
    #[serde(default)]
    pub follow: bool,
    /// When a webhook reported the end of its run, by our clock. Traces show it; it decides nothing.
    #[serde(default)]
    pub reported_at_ms: Option<i64>,
}

impl Root {
    /// The requested stack.
    pub fn requested(account: AccountName, stack: StackId, branch: impl Into<String>) -> Self {
        Self {
            account,
            stack,
            run: None,
            branch: branch.into(),
            commit: None,
            commit_timestamp_s: None,
            push: None,
            ended_at_s: None,
            is_due: true,
            changed: None,
            retry_of: None,
            retry_reason: None,
            follow: false,
            reported_at_ms: None,
        }
    }

    /// The commit, with what is known about when it was pushed.
    pub fn commit_facts(&self) -> Option<Commit> {
        Some(Commit {
            sha: self.commit.clone()?,
            timestamp_s: self.commit_timestamp_s,
            push: self.push.clone(),
        })
    }
}

/// The immutable plan: which stacks run after which. It contains every choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chain {
    pub version: u32,
    pub root: Root,
    /// Where the root's code is.
    #[serde(default)]
    pub root_repository: Option<String>,
    pub settings: ChainSettings,
    /// Why a person has to approve the chain before its first run. `None` if no approval is needed.
    #[serde(default)]
    pub needs_approval: Option<Reason>,
    /// What the root's label says about the downstream stacks, and what follows from that.
    #[serde(default)]
    pub downstream: Option<Reason>,
    /// Stacks with the longest path to the end come first, so each comes after all its upstreams. The root is among
    /// them only if it was requested; otherwise it has already run.
    pub stacks: Vec<ChainStack>,
    pub left_out: Vec<LeftOut>,
    /// Other problems of the dependencies of these stacks.
    pub problems: Vec<Problem>,
}

impl Chain {
    /// The stacks that are run.
    pub fn runs(&self) -> impl Iterator<Item = &ChainStack> {
        self.stacks.iter().filter(|stack| stack.skipped.is_none())
    }

    pub fn stack(&self, id: &StackId) -> Option<&ChainStack> {
        self.stacks.iter().find(|stack| stack.id == *id)
    }
}

/// A stack that runs once, as soon as its upstreams are done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainStack {
    pub id: StackId,
    pub name: String,
    #[serde(default)]
    pub space: Option<SpaceId>,
    /// The stacks of the chain that it waits for: only the nearest, without the root. If a stack in between is left
    /// out, the upstreams of that stack take its place.
    pub upstream: Vec<StackId>,
    /// More stacks of the chain that it waits for because of Spacelift's own dependencies: only the nearest. If one of
    /// them fails, this stack is not skipped.
    #[serde(default)]
    pub native_upstream: Vec<StackId>,
    /// Direct upstreams that this chain does not run, because they are outside of it or left out. If one of them has an
    /// unfinished tracked run, the stack waits for it.
    pub outside: Vec<StackId>,
    /// How many stacks are on the longest path from this stack to the end of the chain.
    pub remaining: usize,
    pub commit: CommitChoice,
    /// The stack's own tracked commit when the chain was planned.
    #[serde(default)]
    pub tracked_commit: Option<CommitSha>,
    pub autodeploy: bool,
    #[serde(default)]
    pub locked_by: Option<String>,
    /// Why the stack is not run although it belongs to the chain.
    #[serde(default)]
    pub skipped: Option<Reason>,
    /// The settings from its labels that differ from the defaults.
    #[serde(default)]
    pub policy: StackPolicy,
}

impl ChainStack {
    /// The commit that the plan says, as far as it is known.
    pub fn planned_commit(&self) -> Option<&CommitSha> {
        self.commit.sha.as_ref().or(self.tracked_commit.as_ref())
    }
}

/// The commit to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommitChoice {
    /// `None`: Spacelift chooses the commit that the stack tracks when it is triggered.
    #[serde(default)]
    pub sha: Option<CommitSha>,
    pub why: CommitReason,
}

/// Why a stack runs the commit that it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommitReason {
    SameRepositoryAndBranch,
    OtherRepository,
    OtherBranch,
    RootCommitUnknown,
    // The label `spillway:commit=tracked` says so.
    Label,
}

impl fmt::Display for CommitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SameRepositoryAndBranch => "the root's commit: same repository and branch",
            Self::OtherRepository => "its own tracked commit: another repository than the root's",
            Self::OtherBranch => "its own tracked commit: another branch than the root's",
            Self::RootCommitUnknown => "its own tracked commit: the root's is not known",
            Self::Label => "its own tracked commit: its label says so",
        })
    }
}

/// A stack that depends on the root but is not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    pub id: StackId,
    pub reason: LeftOutReason,
}

/// Why a stack is left out. Stacks that wait for it continue as if it were done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LeftOutReason {
    Disabled,
    /// A label of the stack says so.
    Ignored,
    /// The stack does not exist, or the API key cannot see it.
    Unknown {
        needed_by: Vec<StackId>,
    },
    /// Not all upstreams of the stack are known, so it might run too early. Or its label names a stack of the chain,
    /// but cannot be read.
    UnreadableLabel {
        label: String,
        reason: String,
    },
    /// The chain is a retry, and this stack is between others that run again.
    NotRetried,
}

impl LeftOutReason {
    /// One word for programs: the `code` in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Ignored => "ignored",
            Self::Unknown { .. } => "unknown",
            Self::UnreadableLabel { .. } => "unreadable_label",
            Self::NotRetried => "not_retried",
        }
    }
}

impl fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("it is disabled"),
            Self::Ignored => f.write_str("its label `spillway:ignore=true` says so"),
            Self::Unknown { needed_by } => {
                f.write_str("it does not exist or is not visible; needed by")?;
                needed_by.iter().try_for_each(|stack| write!(f, " `{stack}`"))
            }
            Self::UnreadableLabel { reason, .. } => f.write_str(reason),
            Self::NotRetried => f.write_str("it ran before, and is not run again"),
        }
    }
}

/// Why there is no chain. Nothing was triggered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    #[error("stack `{stack}` does not exist or is not visible")]
    UnknownRoot { stack: StackId },
    #[error("dependency cycle: {}", CyclePath(stacks))]
    Cycle { stacks: Vec<StackId> },
    #[error("stack `{stack}` depends on itself")]
    SelfDependency { stack: StackId },
    #[error("the chain would have {stacks} stacks, more than the {stacks_max} allowed")]
    TooManyStacks { stacks: usize, stacks_max: u32 },
    #[error("the chain would take {bytes} bytes, more than the {bytes_max} allowed")]
    TooLarge { bytes: usize, bytes_max: u32 },
}

impl Refusal {
    /// One word for programs: the `code` in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownRoot { .. } => "unknown_root",
            Self::Cycle { .. } => "cycle",
            Self::SelfDependency { .. } => "self_dependency",
            Self::TooManyStacks { .. } => "too_many_stacks",
            Self::TooLarge { .. } => "too_large",
        }
    }
}
