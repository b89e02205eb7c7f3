//! Which of the stacks downstream of a root its chain runs: all, those that a retry names, or those that the root's run
//! changed.

use super::member::Member;
use super::{LeftOutReason, Root};
use crate::{DependencyGraph, Downstream, Reason, ReasonCode, RunChanges, StackId};

/// The stacks downstream of the root that a chain runs.
#[derive(Debug, Clone, Copy)]
pub enum Scope<'a> {
    All,
    /// Only these, in a retry of a chain.
    Only(&'a [StackId]),
    /// Only the stacks that the root's run changed, if a label of the root says so.
    Changed(&'a RunChanges),
}

/// Keeps only these stacks. A stack between two of them is left out, so that their order stays.
pub(super) fn restrict(members: &mut [Member], only: &[StackId], graph: &DependencyGraph) {
    let named: Vec<usize> = only.iter().filter_map(|id| graph.index(id)).collect();
    let after = reached_over(&named, members.len(), |at| graph.downstream_at(at));
    let before = reached_over(&named, members.len(), |at| graph.upstream_at(at));
    for (at, member) in members.iter_mut().enumerate() {
        if *member == Member::Outside || named.contains(&at) {
            continue;
        }
        let is_between = after[at] && before[at];
        // A stack that is never run keeps the reason: it did not run before.
        if is_between && matches!(member, Member::LeftOut(_)) {
            continue;
        }
        *member = if is_between {
            Member::LeftOut(LeftOutReason::NotRetried)
        } else {
            Member::Outside
        };
    }
}

/// Whether each stack is the root, or is downstream of it and in scope.
pub(super) fn reached_in(
    root_at: usize,
    root: &Root,
    scope: Scope<'_>,
    graph: &DependencyGraph,
) -> Vec<bool> {
    let reached_from = |from: &[usize]| {
        let stacks = graph.stacks().len();
        reached_over(from, stacks, |at| graph.downstream_at(at))
    };
    let all = reached_from(&[root_at]);
    let Scope::Changed(RunChanges::Stacks { stacks }) = scope else {
        return all;
    };
    if !minds_what_changed(root_at, root, graph) {
        return all;
    }
    let changed = stacks.iter().filter_map(|id| graph.index(id));
    let changed: Vec<usize> = changed.filter(|&at| all[at] && at != root_at).collect();
    let mut reached = reached_from(&changed);
    reached[root_at] = true;
    reached
}

/// Whether a label of the root limits its chain to the stacks that its run changed. Requests and retries are not limited.
fn minds_what_changed(root_at: usize, root: &Root, graph: &DependencyGraph) -> bool {
    let is_limited = graph.policy_at(root_at).downstream == Some(Downstream::Changed);
    is_limited && !root.is_due && root.retry_of.is_none()
}

/// The label, as the text of a chain shows it.
const DOWNSTREAM_LABEL: &str = "its label `spillway:downstream=changed`";

/// What the root's label means for the stacks downstream of it, for the text of a chain.
pub(super) fn downstream(
    root_at: usize,
    root: &Root,
    scope: Scope<'_>,
    graph: &DependencyGraph,
) -> Option<Reason> {
    if !minds_what_changed(root_at, root, graph) {
        return None;
    }
    Some(match scope {
        Scope::Changed(RunChanges::Stacks { .. }) => Reason::new(
            ReasonCode::DownstreamChanged,
            format!(
                "{DOWNSTREAM_LABEL}: only the stacks that its run changed run, and everything downstream of them"
            ),
        ),
        Scope::Changed(RunChanges::Unknown { why }) => Reason::new(
            ReasonCode::ChangesUnknown,
            format!(
                "everything downstream runs despite {DOWNSTREAM_LABEL}, because the changes of its run are unknown: {why}"
            ),
        ),
        Scope::All | Scope::Only(_) => Reason::new(
            ReasonCode::DownstreamChanged,
            format!(
                "{DOWNSTREAM_LABEL}: of these stacks, only those that its run changes will run, and everything downstream of them"
            ),
        ),
    })
}

/// Whether each stack is one of these or can be reached from one over the edges.
fn reached_over<'a>(from: &[usize], stacks: usize, edges: impl Fn(usize) -> &'a [usize]) -> Vec<bool> {
    let mut reached = vec![false; stacks];
    let mut open = from.to_vec();
    while let Some(at) = open.pop() {
        if !reached[at] {
            reached[at] = true;
            open.extend(edges(at));
        }
    }
    reached
}
