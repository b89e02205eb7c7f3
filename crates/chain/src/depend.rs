//! The changes of labels that add or remove dependencies of a stack.

use crate::problem::CyclePath;
use crate::{DependencyGraph, LabelGrammar, Problem, StackFacts, StackId, label};

/// How the labels of one stack change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DependencyChange {
    pub stack: StackId,
    /// The added dependencies.
    pub added: Vec<StackId>,
    /// The removed dependencies.
    pub removed: Vec<StackId>,
    pub before: Vec<String>,
    pub after: Vec<String>,
    /// The problems with the stack's dependencies after the change.
    pub problems: Vec<Problem>,
}

/// Why the change is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DependError {
    #[error("stack `{stack}` not found")]
    UnknownStack { stack: StackId },
    #[error("`{stack}` cannot depend on itself")]
    OnItself { stack: StackId },
    #[error("`{stack}` is in both `--on` and `--not-on`")]
    Both { stack: StackId },
    #[error("this would close a dependency cycle: {}", CyclePath(stacks))]
    Cycle { stacks: Vec<StackId> },
}

/// Makes `stack` depend on the stacks in `on`, and no longer on those in `not_on`.
///
/// A dependency on a stack that no longer exists can be removed, as long as a label names it.
pub fn depend(
    mut stacks: Vec<StackFacts>,
    stack: &StackId,
    on: &[StackId],
    not_on: &[StackId],
    grammar: &LabelGrammar,
) -> Result<DependencyChange, DependError> {
    let known = |id: &StackId| stacks.iter().any(|stack| stack.id == *id);
    let Some(before) = stacks
        .iter()
        .find(|facts| facts.id == *stack)
        .map(|facts| facts.labels.clone())
    else {
        return Err(DependError::UnknownStack { stack: stack.clone() });
    };
    let is_named = |id: &StackId| label::without(&before, id, grammar) != before;
    if let Some(unknown) = on.iter().find(|id| !known(id)) {
        return Err(DependError::UnknownStack {
            stack: unknown.clone(),
        });
    }
    if let Some(unknown) = not_on.iter().find(|id| !known(id) && !is_named(id)) {
        return Err(DependError::UnknownStack {
            stack: unknown.clone(),
        });
    }
    if on.contains(stack) {
        return Err(DependError::OnItself { stack: stack.clone() });
    }
    if let Some(both) = on.iter().find(|id| not_on.contains(id)) {
        return Err(DependError::Both { stack: both.clone() });
    }
    let (after, added, removed) = relabelled(&before, on, not_on, grammar);
    for facts in stacks.iter_mut().filter(|facts| facts.id == *stack) {
        facts.labels.clone_from(&after);
    }
    let graph = DependencyGraph::build(stacks, grammar);
    for dependency in &added {
        if let Some(path) = graph.path(dependency, stack) {
            // The path ends at the stack, where the cycle begins.
            let upstream = path.into_iter().filter(|id| id != stack);
            return Err(DependError::Cycle {
                stacks: std::iter::once(stack.clone()).chain(upstream).collect(),
            });
        }
    }
    let concerns = |problem: &&Problem| problem.stacks().contains(stack);
    Ok(DependencyChange {
        problems: graph.problems().iter().filter(concerns).cloned().collect(),
        stack: stack.clone(),
        added,
        removed,
        before,
        after,
    })
}

/// The labels after the change, the added dependencies and the removed ones.
fn relabelled(
    before: &[String],
    on: &[StackId],
    not_on: &[StackId],
    grammar: &LabelGrammar,
) -> (Vec<String>, Vec<StackId>, Vec<StackId>) {
    let (mut labels, mut added, mut removed) = (before.to_vec(), Vec::new(), Vec::new());
    for dependency in not_on {
        let rest = label::without(&labels, dependency, grammar);
        if rest != labels {
            removed.push(dependency.clone());
            labels = rest;
        }
    }
    for dependency in on {
        let more = label::with(&labels, dependency, grammar);
        if more != labels {
            added.push(dependency.clone());
            labels = more;
        }
    }
    (labels, added, removed)
}

/// The same change applied to labels that may have changed since they were read.
pub fn relabel(labels: &[String], on: &[StackId], not_on: &[StackId], grammar: &LabelGrammar) -> Vec<String> {
    relabelled(labels, on, not_on, grammar).0
}
