//! What went wrong in a chain, and what only followed from it.

use std::collections::{BTreeMap, BTreeSet};

use chain::{ChainRecord, StackId, StackProgress, StackState};

/// A stack that failed by itself.
#[derive(Debug)]
pub(crate) struct Failure<'a> {
    pub(crate) progress: &'a StackProgress,
    /// Stacks that were skipped since they depend on it.
    pub(crate) followed: Vec<&'a StackId>,
}

/// The failures, the first one first. A stack that was skipped after a failure is none.
pub(crate) fn failures(record: &ChainRecord) -> Vec<Failure<'_>> {
    let mut downstream: BTreeMap<&StackId, Vec<&StackId>> = BTreeMap::new();
    for stack in &record.chain().stacks {
        for upstream in &stack.upstream {
            downstream.entry(upstream).or_default().push(&stack.id);
        }
    }
    let mut failed: Vec<&StackProgress> = record
        .progress()
        .iter()
        .filter(|stack| stack.state == StackState::Failed)
        .collect();
    failed.sort_by_key(|stack| stack.finished_at_ms.unwrap_or(i64::MAX));
    failed
        .into_iter()
        .map(|progress| Failure {
            progress,
            followed: followed(record, &downstream, &progress.id),
        })
        .collect()
}

fn followed<'a>(
    record: &'a ChainRecord,
    downstream: &BTreeMap<&StackId, Vec<&'a StackId>>,
    failed: &StackId,
) -> Vec<&'a StackId> {
    let mut seen: BTreeSet<&StackId> = BTreeSet::new();
    let mut open: Vec<&StackId> = downstream.get(failed).cloned().unwrap_or_default();
    while let Some(stack) = open.pop() {
        if is_skipped_after_a_failure(record, stack) && seen.insert(stack) {
            open.extend(downstream.get(stack).into_iter().flatten());
        }
    }
    record
        .progress()
        .iter()
        .map(|stack| &stack.id)
        .filter(|stack| seen.contains(stack))
        .collect()
}

fn is_skipped_after_a_failure(record: &ChainRecord, stack: &StackId) -> bool {
    record.stack(stack).is_some_and(|progress| {
        let reason = progress.reason.as_ref();
        progress.state == StackState::Skipped && reason.is_some_and(chain::Reason::is_by_failure)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example;

    #[test]
    fn a_failure_is_told_apart_from_what_only_followed() {
        let mut record = example::record("a; b; c: a; d: c; e: b; f: b");
        example::failed(&mut record, "b", 20);
        example::failed(&mut record, "a", 10);
        for stack in ["c", "d", "e"] {
            example::skipped(&mut record, stack, "upstream_failed", 30);
        }
        // This one has a reason of its own.
        example::skipped(&mut record, "f", "chain_cancelled", 30);
        let told: Vec<String> = failures(&record)
            .iter()
            .map(|failure| {
                let followed: Vec<_> = failure.followed.iter().map(|stack| stack.as_str()).collect();
                format!("{} <- {}", failure.progress.id, followed.join(" "))
            })
            .collect();
        assert_eq!(told, ["a <- c d", "b <- e"]);
    }

    #[test]
    fn a_chain_without_a_failure_has_none() {
        assert!(failures(&example::record("a; b: a")).is_empty());
    }
}
