//! Which stack waits for which, by number, for a whole account or for one chain.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Chain, DependencyGraph, StackId};

/// Stacks numbered in the order of their ids, and the edges between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub(super) struct Topology {
    ids: Vec<StackId>,
    /// By labels and Spacelift's own dependencies.
    upstream: Vec<Vec<u32>>,
    downstream: Vec<Vec<u32>>,
    /// The edges that exist only because of Spacelift's own dependencies: from a stack to one that waits for it.
    native: BTreeSet<(u32, u32)>,
    /// How many stacks are on the longest path from each stack to the end.
    remaining: Vec<u32>,
    /// The position of each stack in an order in which each comes after its upstreams, except for cycles.
    place: Vec<u32>,
    order: Vec<u32>,
}

/// The stored form: what cannot be computed.
#[derive(Clone, Serialize, Deserialize)]
struct Saved {
    ids: Vec<StackId>,
    upstream: Vec<Vec<u32>>,
    #[serde(default)]
    native: BTreeSet<(u32, u32)>,
}

impl From<Saved> for Topology {
    fn from(saved: Saved) -> Self {
        Self::new(saved.ids, saved.upstream, saved.native)
    }
}

impl From<Topology> for Saved {
    fn from(topology: Topology) -> Self {
        Self {
            ids: topology.ids,
            upstream: topology.upstream,
            native: topology.native,
        }
    }
}

impl Topology {
    fn new(ids: Vec<StackId>, mut upstream: Vec<Vec<u32>>, native: BTreeSet<(u32, u32)>) -> Self {
        // A saved state may be broken; an invalid edge must not crash a worker.
        upstream.resize(ids.len(), Vec::new());
        let mut downstream = vec![Vec::new(); ids.len()];
        for (dependent, dependencies) in (0..).zip(&mut upstream) {
            dependencies.retain(|&dependency| (dependency as usize) < ids.len());
            for &dependency in &*dependencies {
                downstream[dependency as usize].push(dependent);
            }
        }
        let order = order(&downstream);
        let mut place = vec![0; ids.len()];
        for (number, &at) in (0..).zip(&order) {
            place[at as usize] = number;
        }
        let mut remaining = vec![0; ids.len()];
        for &at in order.iter().rev() {
            let longest = downstream[at as usize]
                .iter()
                .map(|&next| remaining[next as usize] + 1)
                .max();
            remaining[at as usize] = longest.unwrap_or(0);
        }
        Self {
            ids,
            upstream,
            downstream,
            native,
            remaining,
            place,
            order,
        }
    }

    /// Every dependency of an account.
    pub(super) fn of_account(graph: &DependencyGraph) -> Self {
        let all = 0..graph.stacks().len();
        let ids = graph.stacks().iter().map(|stack| stack.id.clone()).collect();
        let upstream = all
            .clone()
            .map(|at| graph.all_upstream_at(at).iter().copied().map(number).collect())
            .collect();
        let is_native = |at: usize, other: usize| graph.upstream_at(at).binary_search(&other).is_err();
        let native = all
            .filter(|_| graph.has_native())
            .flat_map(|at| {
                let others = graph.all_upstream_at(at).iter();
                others
                    .filter(move |&&other| is_native(at, other))
                    .map(move |&other| (number(other), number(at)))
            })
            .collect();
        Self::new(ids, upstream, native)
    }

    /// The stacks of one chain, from its record.
    pub(super) fn of_chain(chain: &Chain) -> Self {
        let mut ids: Vec<StackId> = chain.stacks.iter().map(|stack| stack.id.clone()).collect();
        ids.sort();
        let at = |id: &StackId| ids.binary_search(id).ok().map(number);
        let mut upstream = vec![Vec::new(); ids.len()];
        let mut native = BTreeSet::new();
        for stack in &chain.stacks {
            if let Some(own) = at(&stack.id) {
                let by_label = stack.upstream.iter().filter_map(at);
                let by_spacelift = stack.native_upstream.iter().filter_map(at);
                native.extend(by_spacelift.clone().map(|other| (other, own)));
                upstream[own as usize] = by_label.chain(by_spacelift).collect();
            }
        }
        Self::new(ids, upstream, native)
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn index(&self, id: &StackId) -> Option<u32> {
        self.ids.binary_search(id).ok().map(number)
    }

    pub(super) fn id(&self, at: u32) -> &StackId {
        &self.ids[at as usize]
    }

    pub(super) fn upstream(&self, at: u32) -> &[u32] {
        &self.upstream[at as usize]
    }

    pub(super) fn downstream(&self, at: u32) -> &[u32] {
        &self.downstream[at as usize]
    }

    pub(super) fn has_native(&self) -> bool {
        !self.native.is_empty()
    }

    /// Whether `at` waits for `upstream` because of a label.
    pub(super) fn is_by_label(&self, upstream: u32, at: u32) -> bool {
        self.native.is_empty() || !self.native.contains(&(upstream, at))
    }

    pub(super) fn downstream_by_label(&self, at: u32) -> impl Iterator<Item = u32> {
        let all = self.downstream(at).iter().copied();
        all.filter(move |&next| self.is_by_label(at, next))
    }

    pub(super) fn remaining(&self, at: u32) -> u32 {
        self.remaining[at as usize]
    }

    /// Every stack after its upstreams, except those on a cycle with it.
    pub(super) fn order(&self) -> &[u32] {
        &self.order
    }

    /// The stack closes a cycle: it comes before a stack that it waits for.
    pub(super) fn closes_cycle(&self, at: u32) -> bool {
        let place = |at: u32| self.place[at as usize];
        self.upstream(at).iter().any(|&other| place(other) >= place(at))
    }

    /// Everything downstream of a stack over all edges, each after its upstream.
    pub(super) fn reached_from(&self, from: u32) -> Vec<u32> {
        let mut reached = vec![false; self.len()];
        let mut open = vec![from];
        let mut found = Vec::new();
        while let Some(at) = open.pop() {
            for &next in self.downstream(at) {
                if !std::mem::replace(&mut reached[next as usize], true) {
                    open.push(next);
                    found.push(next);
                }
            }
        }
        found.retain(|&at| at != from);
        self.sort(&mut found);
        found
    }

    /// Puts each stack after its upstreams, except for cycles.
    pub(super) fn sort(&self, stacks: &mut [u32]) {
        stacks.sort_unstable_by_key(|&at| self.place[at as usize]);
    }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Depth first, and the last finished stack first, so everything behind a cycle comes after it.
fn order(downstream: &[Vec<u32>]) -> Vec<u32> {
    let mut seen = vec![false; downstream.len()];
    let mut finished = Vec::with_capacity(downstream.len());
    for start in (0..downstream.len()).rev() {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let mut open = vec![(number(start), 0)];
        while let Some((at, next)) = open.last_mut() {
            let Some(&child) = downstream[*at as usize].get(*next) else {
                finished.push(*at);
                open.pop();
                continue;
            };
            *next += 1;
            if !std::mem::replace(&mut seen[child as usize], true) {
                open.push((child, 0));
            }
        }
    }
    finished.reverse();
    finished
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Topology;

    #[test]
    fn an_edge_is_by_label_unless_only_spacelift_knows_it() {
        let new = |native: &[(u32, u32)]| {
            let ids = ["a", "b", "c"].map(|id| id.parse().unwrap());
            let upstream = vec![vec![], vec![0], vec![0, 1]];
            Topology::new(
                ids.to_vec(),
                upstream,
                native.iter().copied().collect::<BTreeSet<_>>(),
            )
        };
        let topology = new(&[]);
        assert!(!topology.has_native() && topology.is_by_label(0, 2));
        let topology = new(&[(0, 2)]);
        assert!(topology.has_native() && !topology.is_by_label(0, 2) && topology.is_by_label(0, 1));
        assert_eq!(topology.downstream_by_label(0).collect::<Vec<_>>(), [1]);
        assert_eq!(topology.reached_from(0), [1, 2]);
        assert_eq!([0, 1, 2].map(|at| topology.remaining(at)), [2, 1, 0]);
    }

    #[test]
    fn each_stack_comes_after_its_upstreams_except_where_a_cycle_is_cut() {
        let new = |upstream: &[&[u32]]| {
            let ids = ["a", "b", "c"].map(|id| id.parse().unwrap());
            let upstream = upstream.iter().map(|upstream| upstream.to_vec()).collect();
            Topology::new(ids.to_vec(), upstream, BTreeSet::new())
        };
        let cutting = |topology: &Topology| [0, 1, 2].map(|at| topology.closes_cycle(at));
        let topology = new(&[&[1], &[2], &[]]);
        let mut stacks = [0, 1, 2];
        topology.sort(&mut stacks);
        assert_eq!((stacks, topology.order()), ([2, 1, 0], &[2, 1, 0][..]));
        assert_eq!(cutting(&topology), [false; 3]);
        let topology = new(&[&[1], &[2], &[0]]);
        let cuts = cutting(&topology).iter().filter(|cuts| **cuts).count();
        assert_eq!(cuts, 1);
    }
}
