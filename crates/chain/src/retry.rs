//! Retrying a chain: which of its stacks run again, and after which root.

use serde::{Deserialize, Serialize};

use crate::record::ChainRecord;
use crate::{Chain, ChainId, Reason, Root, StackId, StackState};

/// Which stacks of a finished chain run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum RetryScope {
    /// Failed stacks, and those that did not run because of them or because the chain stopped or was cancelled.
    Failed,
    /// One stack, and everything downstream of it.
    From {
        stack: StackId,
    },
    All,
}

/// Why a chain cannot be retried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RetryError {
    #[error("the chain is still open")]
    Open,
    #[error("nothing in the chain failed or was skipped for a failure")]
    NothingFailed,
    #[error("stack `{stack}` is not part of the chain")]
    NotInChain { stack: StackId },
}

/// The stacks of a chain that run again, in the chain's order.
pub fn stacks(record: &ChainRecord, scope: &RetryScope) -> Result<Vec<StackId>, RetryError> {
    if !record.is_over() {
        return Err(RetryError::Open);
    }
    match scope {
        RetryScope::Failed => {
            let runs_again = |stack: &&crate::StackProgress| match stack.state {
                StackState::Failed => true,
                StackState::Skipped => stack.reason.as_ref().is_some_and(Reason::is_retried),
                StackState::Waiting | StackState::Running | StackState::Succeeded => false,
            };
            let again = record.progress().iter().filter(runs_again);
            let stacks: Vec<StackId> = again.map(|stack| stack.id.clone()).collect();
            if stacks.is_empty() {
                return Err(RetryError::NothingFailed);
            }
            Ok(stacks)
        }
        RetryScope::From { stack } => from(record.chain(), stack),
        RetryScope::All => {
            let all = record.chain().stacks.iter();
            Ok(all.map(|stack| stack.id.clone()).collect())
        }
    }
}

/// A stack and everything downstream of it. The chain lists each stack after its upstreams.
fn from(chain: &Chain, first: &StackId) -> Result<Vec<StackId>, RetryError> {
    if chain.stack(first).is_none() {
        return Err(RetryError::NotInChain { stack: first.clone() });
    }
    let mut reached: Vec<StackId> = Vec::new();
    for stack in &chain.stacks {
        if stack.id == *first || stack.upstream.iter().any(|other| reached.contains(other)) {
            reached.push(stack.id.clone());
        }
    }
    Ok(reached)
}

/// The root of a retry: the root of the previous chain, without its time. The root itself runs again only if the
/// previous chain ran it and it is one of the stacks. Otherwise its dependents still follow the commit that it ran, if they
/// were to follow it. `reason` is what the person said who retries the chain.
pub fn root(
    before: &Root,
    record: Option<&ChainRecord>,
    chain: &ChainId,
    stacks: Option<&[StackId]>,
    reason: Option<&str>,
) -> Root {
    let is_wanted = stacks.is_none_or(|stacks| stacks.contains(&before.stack));
    let is_due = before.is_due && is_wanted;
    let ran = record
        .and_then(|record| record.stack(&before.stack))
        .filter(|_| before.follow && before.is_due && !is_due)
        .filter(|stack| stack.state == StackState::Succeeded)
        .and_then(|stack| stack.commit.clone());
    Root {
        is_due,
        commit: ran.or_else(|| before.commit.clone()),
        ended_at_s: None,
        retry_of: Some(chain.clone()),
        reported_at_ms: None,
        retry_reason: reason.and_then(Reason::ordered),
        ..before.clone()
    }
}
