//! Messages about one run, which a label of its stack asks for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Delivery;
use crate::binding::Target;
use crate::{AccountName, CommitSha, RunFacts, RunId, RunState, SpaceId, StackFacts, StackId};

/// What one message says about a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunNotice {
    pub account: AccountName,
    pub stack: StackId,
    pub name: String,
    #[serde(default)]
    pub space: Option<SpaceId>,
    /// Where the stack's code is, such as `acme/network`.
    pub repository: String,
    pub run: RunId,
    pub state: RunState,
    pub branch: String,
    #[serde(default)]
    pub commit: Option<CommitSha>,
    /// Who triggered it. `None` after a push.
    #[serde(default)]
    pub by: Option<String>,
    /// When the run came into this state, by Spacelift's clock.
    pub at_ms: i64,
    /// What would run after a merge, as Markdown, for a proposed run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<String>,
}

impl RunNotice {
    pub fn new(account: AccountName, stack: StackFacts, run: &RunFacts) -> Self {
        Self {
            account,
            stack: stack.id,
            name: stack.name,
            space: stack.space,
            repository: stack.repository,
            run: run.id.clone(),
            state: run.state.clone(),
            branch: run.branch.clone(),
            commit: run.commit.as_ref().map(|commit| commit.sha.clone()),
            by: run.triggered_by.clone(),
            at_ms: run.changed_at_s.saturating_mul(1000),
            impact: None,
        }
    }
}

/// A message about a run, and where it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMessage {
    pub notice: RunNotice,
    pub target: Target,
    #[serde(default)]
    pub delivery: Delivery,
}
