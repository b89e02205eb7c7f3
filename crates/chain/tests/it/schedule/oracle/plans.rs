//! What must hold for the plan of each cause. Only the labels that the model uses are known here.

use std::collections::{BTreeMap, BTreeSet};

use chain::schedule::{Decision, Event, Opening};
use chain::{ChainId, Refusal, StackId};

use super::Checked;
use super::listing::Listing;
use crate::schedule::host::{Entry, Host};

/// How old a listing can be that shows that nothing depends on a stack.
const FRESH_MS: i64 = 60_000;

/// The stacks that a chain has to contain, and those of them that are skipped.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    stacks: BTreeSet<StackId>,
    skipped: BTreeSet<StackId>,
}

impl Expected {
    fn of(listing: &Listing, root: &StackId, is_due: bool) -> Self {
        let mut stacks = listing.downstream(root).clone();
        stacks.remove(root);
        if is_due {
            stacks.insert(root.clone());
        }
        // Law 9: the dependents of a missing stack are skipped, and everything downstream of them.
        let incomplete = stacks.iter().filter(|stack| listing.incomplete.contains(*stack));
        let incomplete: Vec<&StackId> = incomplete.collect();
        let mut skipped: BTreeSet<StackId> = incomplete.iter().copied().cloned().collect();
        skipped.extend(
            incomplete
                .iter()
                .flat_map(|stack| listing.downstream(stack))
                .cloned(),
        );
        // A stack is left out while it is disabled, but its dependents are not.
        let runs = |stack: &StackId| stack == root || !listing.disabled.contains(stack);
        stacks.retain(runs);
        skipped.retain(|stack| stacks.contains(stack));
        Self { stacks, skipped }
    }
}

/// Checks that each chain has the stacks downstream of its root, according to the listing that planned it.
pub(super) fn check(host: &Host) -> Checked {
    let mut listing = Listing::default();
    let mut listed_ms = 0;
    let mut requested: BTreeMap<&ChainId, bool> = BTreeMap::new();
    for (at_ms, entry) in &host.trace {
        match entry {
            Entry::Event(Event::Listed(listed)) => {
                listing = Listing::of(listed.graph.stacks());
                listed_ms = *at_ms;
            }
            Entry::Decided(Decision::Cause { chain, run, .. }) => {
                requested.insert(chain, run.is_none());
            }
            Entry::Decided(Decision::NothingToDo { chain, stack }) if chain.first() == *chain => {
                let expected = Expected::of(&listing, stack, requested[chain]);
                law!(
                    expected.stacks.is_empty() && at_ms - listed_ms <= FRESH_MS,
                    "{chain} of {stack} has nothing to do, and {expected:?} is downstream"
                );
            }
            Entry::Planned(opening) if opening.root.retry_of.is_none() => {
                is_right(&listing, opening).map_err(|why| format!("{}: {why}", opening.chain))?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_right(listing: &Listing, opening: &Opening) -> Checked {
    let root = &opening.root.stack;
    let mut reached = listing.downstream(root).iter().chain([root]);
    let cycle = reached.find(|stack| listing.is_on_cycle(stack));
    match &opening.plan {
        Err(Refusal::UnknownRoot { .. }) => law!(!listing.has(root), "{root} is listed"),
        Err(Refusal::Cycle { .. }) => law!(cycle.is_some(), "it is refused for a cycle, and there is none"),
        Err(refusal) => return Err(format!("it is refused: {refusal}")),
        Ok(plan) => {
            law!(cycle.is_none(), "it is planned, and {cycle:?} is on a cycle");
            let all = plan.stacks.iter();
            let skipped = all.clone().filter(|stack| stack.skipped.is_some());
            let planned = Expected {
                stacks: all.map(|stack| stack.id.clone()).collect(),
                skipped: skipped.map(|stack| stack.id.clone()).collect(),
            };
            let expected = Expected::of(listing, root, opening.root.is_due);
            law!(planned == expected, "it is {planned:?}, and not {expected:?}");
        }
    }
    Ok(())
}
