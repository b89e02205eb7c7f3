//! Cycles, each written out in full.

use std::collections::{BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// How many cycles of one tangle are listed. Their number can grow exponentially, and the rest can be listed after
/// these are solved.
const MAX_CYCLES: usize = 50;

/// Stacks that all wait for each other, directly or not.
pub(super) struct Tangle {
    /// In ascending order.
    pub(super) stacks: Vec<usize>,
    /// Each edge of the tangle is on one of them, unless `has_more`. They begin with their smallest stack.
    pub(super) cycles: Vec<Vec<usize>>,
    pub(super) has_more: bool,
}

/// The tangles of a graph without self-edges, given the stacks that each stack waits for.
pub(super) fn tangles(upstream: &[Vec<usize>]) -> Vec<Tangle> {
    let mut graph = DiGraph::<(), (), usize>::with_capacity(upstream.len(), 0);
    for _ in upstream {
        graph.add_node(());
    }
    for (dependent, dependencies) in upstream.iter().enumerate() {
        for &dependency in dependencies {
            graph.add_edge(NodeIndex::new(dependent), NodeIndex::new(dependency), ());
        }
    }
    // Not Tarjan's algorithm: petgraph's version is recursive, and a long chain would overflow the call stack.
    let mut tangles: Vec<Tangle> = kosaraju_scc(&graph)
        .into_iter()
        .filter(|component| component.len() > 1)
        .map(|component| tangle(component.into_iter().map(NodeIndex::index).collect(), upstream))
        .collect();
    tangles.sort_by(|a, b| a.stacks.cmp(&b.stacks));
    tangles
}

fn tangle(members: BTreeSet<usize>, upstream: &[Vec<usize>]) -> Tangle {
    let inside = |stack: usize| {
        upstream[stack]
            .iter()
            .copied()
            .filter(|other| members.contains(other))
    };
    let mut covered = BTreeSet::new();
    let mut cycles = BTreeSet::new();
    let mut has_more = false;
    for &dependent in &members {
        for dependency in inside(dependent) {
            if covered.contains(&(dependent, dependency)) {
                continue;
            }
            if cycles.len() == MAX_CYCLES {
                has_more = true;
                break;
            }
            // A path exists, since both are in one tangle.
            let Some(mut cycle) = shortest_path(dependency, dependent, inside) else {
                continue;
            };
            covered.extend(cycle.iter().copied().zip(cycle.iter().copied().cycle().skip(1)));
            let smallest = cycle
                .iter()
                .enumerate()
                .min_by_key(|&(_, stack)| stack)
                .map_or(0, |(at, _)| at);
            cycle.rotate_left(smallest);
            cycles.insert(cycle);
        }
    }
    Tangle {
        stacks: members.into_iter().collect(),
        cycles: cycles.into_iter().collect(),
        has_more,
    }
}

/// The stacks from `from` to `to`, both included.
pub(super) fn shortest_path<I: Iterator<Item = usize>>(
    from: usize,
    to: usize,
    next: impl Fn(usize) -> I,
) -> Option<Vec<usize>> {
    // From where each stack was reached. Tangles are small.
    let mut came_from = std::collections::BTreeMap::from([(from, from)]);
    let mut queue = VecDeque::from([from]);
    while let Some(stack) = queue.pop_front() {
        if stack == to {
            break;
        }
        for other in next(stack) {
            came_from.entry(other).or_insert_with(|| {
                queue.push_back(other);
                stack
            });
        }
    }
    let mut path = vec![to];
    let mut at = to;
    while at != from {
        at = *came_from.get(&at)?;
        path.push(at);
    }
    path.reverse();
    Some(path)
}
