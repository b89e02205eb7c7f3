//! From the graph, a root and the settings to the immutable [`Chain`]: which stacks run, after which others,
//! on which commit, and what is left out and why.

mod links;
mod order;
mod planner;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use planner::plan;
pub(crate) use planner::{Member, members};

use crate::commit::{Commit, Push};
use crate::problem::CyclePath;
use crate::{AccountName, ChainSettings, CommitSha, Problem, Reason, RunId, SpaceId, StackId};

/// The version of the recorded form of [`Chain`].
pub const VERSION: u32 = 1;

/// The stack whose run finished, or for whose downstream somebody asked.
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
    /// The push that brought the commit, if it is known.
    #[serde(default)]
    pub push: Option<Push>,
    /// When the run ended, or when somebody asked, in seconds since 1970.
    #[serde(default)]
    pub ended_at_s: Option<i64>,
    /// Somebody asked for a run of the root itself: it belongs to the chain.
    #[serde(default)]
    pub is_due: bool,
}

impl Root {
    /// The stack of which somebody asks for a run.
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
        }
    }

    /// The commit, with what is known of when it came.
    pub fn commit_facts(&self) -> Option<Commit> {
        Some(Commit {
            sha: self.commit.clone()?,
            timestamp_s: self.commit_timestamp_s,
            push: self.push.clone(),
        })
    }
}

/// The immutable plan: which stacks run after which. Everything that has to be chosen is chosen in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chain {
    pub version: u32,
    pub root: Root,
    /// Where the root's code is.
    #[serde(default)]
    pub root_repository: Option<String>,
    pub settings: ChainSettings,
    /// Those with the longest way to the end first, and so each after all its upstream. The root is among them only
    /// where somebody asked for a run of it: otherwise it has run.
    pub stacks: Vec<ChainStack>,
    pub left_out: Vec<LeftOut>,
    /// What else is wrong with the dependencies of the stacks reached.
    pub problems: Vec<Problem>,
}

impl Chain {
    pub fn stack(&self, id: &StackId) -> Option<&ChainStack> {
        self.stacks.iter().find(|stack| stack.id == *id)
    }
}

/// A stack that runs once, as soon as its upstream is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChainStack {
    pub id: StackId,
    pub name: String,
    #[serde(default)]
    pub space: Option<SpaceId>,
    /// The stacks of the chain that it waits for, nearest only, without the root. Where a stack in between is
    /// left out, what that one would have waited for takes its place.
    pub upstream: Vec<StackId>,
    /// More stacks of the chain that it waits for, since Spacelift's own dependencies say so, nearest only. A failure of
    /// theirs does not skip it.
    #[serde(default)]
    pub native_upstream: Vec<StackId>,
    /// Direct upstream stacks that this chain does not run: outside it, or left out. If one of them has a
    /// tracked run under way, the stack waits for it.
    pub outside: Vec<StackId>,
    /// How many stacks lie on the longest way from it to the end of the chain.
    pub remaining: usize,
    pub commit: CommitChoice,
    /// The stack's own tracked commit when the chain was planned.
    #[serde(default)]
    pub tracked_commit: Option<CommitSha>,
    pub autodeploy: bool,
    #[serde(default)]
    pub locked_by: Option<String>,
    /// Why it is not run, though it belongs to the chain.
    #[serde(default)]
    pub skipped: Option<Reason>,
}

/// The commit to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommitChoice {
    /// `None`: the one that the stack tracks when it is triggered, which Spacelift chooses.
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
}

impl fmt::Display for CommitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SameRepositoryAndBranch => "the root's commit: same repository and branch",
            Self::OtherRepository => "its own tracked commit: another repository than the root's",
            Self::OtherBranch => "its own tracked commit: another branch than the root's",
            Self::RootCommitUnknown => "its own tracked commit: the root's is not known",
        })
    }
}

/// A stack that belongs to the chain by what somebody wrote, and is not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    pub id: StackId,
    pub reason: LeftOutReason,
}

/// Why a stack is left out. Whatever waits for it goes on as if it were done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum LeftOutReason {
    Disabled,
    /// It does not exist, or the API key may not see it.
    Unknown {
        needed_by: Vec<StackId>,
    },
    /// Not all that it waits for is known, so that it might run too early; or its label names a stack that
    /// was reached, and does not say what about it.
    UnreadableLabel {
        label: String,
        reason: String,
    },
}

impl LeftOutReason {
    /// One word for programs; it is the `code` in JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Unknown { .. } => "unknown",
            Self::UnreadableLabel { .. } => "unreadable_label",
        }
    }
}

impl fmt::Display for LeftOutReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("it is disabled"),
            Self::Unknown { needed_by } => {
                f.write_str("it does not exist or is not visible; needed by")?;
                needed_by.iter().try_for_each(|stack| write!(f, " `{stack}`"))
            }
            Self::UnreadableLabel { reason, .. } => f.write_str(reason),
        }
    }
}

/// Why there is no chain at all. Nothing was triggered.
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
    /// One word for programs; it is the `code` in JSON.
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
