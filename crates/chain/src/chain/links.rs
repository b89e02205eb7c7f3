//! What each stack of a chain waits for: the nearest stacks of the chain, also across stacks that are left out.

use std::collections::BTreeSet;

use super::member::Member;
use super::order;
use crate::DependencyGraph;

/// What each reached stack waits for, in the order of the ids.
#[derive(Default, Clone)]
pub(super) struct Links {
    pub(super) upstream: Vec<usize>,
    pub(super) outside: Vec<usize>,
}

/// The links of each stack. Stacks that were not reached have none.
pub(super) fn links(
    root: Option<usize>,
    reached: &[bool],
    members: &[Member],
    graph: &DependencyGraph,
) -> Vec<Links> {
    let mut links = vec![Links::default(); reached.len()];
    for at in order_of_reached(reached, graph) {
        let mut own = Links::default();
        for &other in graph.upstream_at(at).iter().filter(|&&other| Some(other) != root) {
            if matches!(members[other], Member::Runs | Member::Skipped(_)) {
                own.upstream.push(other);
            } else {
                own.outside.push(other);
                // Empty, unless the stack was reached and is left out.
                own.upstream.extend(&links[other].upstream);
            }
        }
        own.upstream.sort_unstable();
        own.upstream.dedup();
        links[at] = own;
    }
    links
}

/// What each stack of the chain waits for only because of Spacelift's own dependencies, also across stacks that the
/// chain does not run.
pub(super) fn native_links(members: &[Member], links: &[Links], graph: &DependencyGraph) -> Vec<Vec<usize>> {
    let mut found = vec![Vec::new(); members.len()];
    if !graph.has_native() {
        return found;
    }
    let all: Vec<Vec<usize>> = (0..members.len())
        .map(|at| graph.all_upstream_at(at).to_vec())
        .collect();
    let runs = |at: usize| matches!(members[at], Member::Runs | Member::Skipped(_));
    // For each stack that the chain does not run: its nearest upstreams that the chain does run.
    let mut behind: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); members.len()];
    for at in order::topological(&all) {
        let mut nearest = BTreeSet::new();
        for &other in &all[at] {
            if runs(other) {
                nearest.insert(other);
            } else {
                nearest.extend(&behind[other]);
            }
        }
        if runs(at) {
            let by_label = &links[at].upstream;
            found[at] = nearest
                .into_iter()
                .filter(|other| !by_label.contains(other))
                .collect();
        } else {
            behind[at] = nearest;
        }
    }
    found
}

/// The reached stacks, each after all its upstreams.
fn order_of_reached(reached: &[bool], graph: &DependencyGraph) -> Vec<usize> {
    let stacks: Vec<usize> = (0..reached.len()).filter(|&at| reached[at]).collect();
    let inside = renumbered(&stacks, |at| graph.upstream_at(at));
    order::topological(&inside)
        .into_iter()
        .map(|number| stacks[number])
        .collect()
}

/// The edges among `stacks`, by their positions in that list.
pub(super) fn renumbered<'a>(stacks: &[usize], upstream: impl Fn(usize) -> &'a [usize]) -> Vec<Vec<usize>> {
    let mut places = vec![None; stacks.last().map_or(0, |last| last + 1)];
    for (place, &at) in stacks.iter().enumerate() {
        places[at] = Some(place);
    }
    let place = |at: &usize| places.get(*at).copied().flatten();
    stacks
        .iter()
        .map(|&at| upstream(at).iter().filter_map(place).collect())
        .collect()
}
