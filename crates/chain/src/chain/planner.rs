//! The planner. It makes every choice of a chain, so that walking it needs none.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{
    Chain, ChainStack, CommitChoice, CommitReason, LeftOut, LeftOutReason, Refusal, Root, VERSION, order,
};
use crate::{ChainSettings, DependencyGraph, Problem, StackFacts, StackId};

/// Plans what runs after `root`.
///
/// Everything downstream of the root belongs to the chain. A disabled stack, one with an unreadable label and
/// one that does not exist are left out and listed; what waits for them is still run, after whatever they
/// would have waited for, as if they took no time. Who disables a stack wants it passed over, not everything
/// behind it stopped.
pub fn plan(graph: &DependencyGraph, root: &Root, settings: &ChainSettings) -> Result<Chain, Refusal> {
    let root_at = graph.index(&root.stack).ok_or_else(|| Refusal::UnknownRoot {
        stack: root.stack.clone(),
    })?;
    let reached = reached_from(root_at, graph);
    refuse_cycles(&reached, graph)?;

    let left_out = left_out(root_at, &reached, graph);
    let runs: Vec<bool> = (0..graph.stacks().len())
        .map(|at| reached[at] && at != root_at && !left_out.contains_key(&graph.stacks()[at].id))
        .collect();
    let stacks: Vec<usize> = (0..runs.len()).filter(|&at| runs[at]).collect();
    if stacks.len() > settings.stacks_max as usize {
        return Err(Refusal::TooManyStacks {
            stacks: stacks.len(),
            stacks_max: settings.stacks_max,
        });
    }
    let links = links(root_at, &reached, &runs, graph);
    let upstream = renumbered(&stacks, |at| &links[at].upstream);
    let counts = order::downstream_counts(&upstream, &order::topological(&upstream));

    // More wait for a stack than for any that waits for it, so this is a topological order too.
    let mut order: Vec<usize> = (0..stacks.len()).collect();
    order.sort_by_key(|&number| Reverse(counts[number]));

    let root_facts = &graph.stacks()[root_at];
    let planned = order.into_iter().map(|number| {
        let facts = &graph.stacks()[stacks[number]];
        let links = &links[stacks[number]];
        ChainStack {
            id: facts.id.clone(),
            name: facts.name.clone(),
            space: facts.space.clone(),
            upstream: ids(&links.upstream, graph),
            outside: ids(&links.outside, graph),
            downstream_count: counts[number],
            commit: commit_choice(root, root_facts, facts),
            tracked_commit: facts.tracked_commit.clone(),
            autodeploy: facts.autodeploy,
            locked_by: facts.locked_by.clone(),
        }
    });
    let chain = Chain {
        version: VERSION,
        root: root.clone(),
        settings: settings.clone(),
        stacks: planned.collect(),
        left_out: left_out
            .into_iter()
            .map(|(id, reason)| LeftOut { id, reason })
            .collect(),
        problems: worth_telling(&runs, graph),
    };
    refuse_large(chain)
}

/// Whether each stack is the root or downstream of it.
fn reached_from(root: usize, graph: &DependencyGraph) -> Vec<bool> {
    let mut reached = vec![false; graph.stacks().len()];
    let mut open = vec![root];
    while let Some(at) = open.pop() {
        if !reached[at] {
            reached[at] = true;
            open.extend(graph.downstream_at(at));
        }
    }
    reached
}

fn refuse_cycles(reached: &[bool], graph: &DependencyGraph) -> Result<(), Refusal> {
    let is_reached = |id: &StackId| graph.index(id).is_some_and(|at| reached[at]);
    // Whatever reaches one stack of a cycle reaches them all.
    let refusal = graph.problems().iter().find_map(|problem| match problem {
        Problem::Cycle { stacks } if stacks.iter().any(is_reached) => Some(Refusal::Cycle {
            stacks: stacks.clone(),
        }),
        Problem::SelfDependency { stack, .. } if is_reached(stack) => {
            Some(Refusal::SelfDependency { stack: stack.clone() })
        }
        _ => None,
    });
    refusal.map_or(Ok(()), Err)
}

/// What is not run, by id, and the one reason of each.
fn left_out(root: usize, reached: &[bool], graph: &DependencyGraph) -> BTreeMap<StackId, LeftOutReason> {
    let is_reached = |id: &StackId| graph.index(id).is_some_and(|at| reached[at]);
    let root_id = &graph.stacks()[root].id;
    let mut left_out: BTreeMap<StackId, LeftOutReason> = (0..reached.len())
        .filter(|&at| reached[at] && at != root)
        .map(|at| &graph.stacks()[at])
        .filter(|facts| facts.disabled)
        .map(|facts| (facts.id.clone(), LeftOutReason::Disabled))
        .collect();
    for problem in graph.problems() {
        match problem {
            Problem::UnreadableLabel { stack, label, reason }
                if stack != root_id && (is_reached(stack) || names_any(label, is_reached)) =>
            {
                left_out
                    .entry(stack.clone())
                    .or_insert_with(|| LeftOutReason::UnreadableLabel {
                        label: label.clone(),
                        reason: reason.clone(),
                    });
            }
            Problem::Dangling {
                dependent,
                dependency,
                ..
            } if dependent != root_id && is_reached(dependent) => {
                let entry = left_out
                    .entry(dependency.clone())
                    .or_insert_with(|| LeftOutReason::Unknown {
                        needed_by: Vec::new(),
                    });
                if let LeftOutReason::Unknown { needed_by } = entry
                    && needed_by.last() != Some(dependent)
                {
                    needed_by.push(dependent.clone());
                }
            }
            _ => {}
        }
    }
    left_out
}

/// Whether a label that cannot be read has the id of one of the stacks in it.
fn names_any(label: &str, is_reached: impl Fn(&StackId) -> bool) -> bool {
    label
        .split(|c: char| c.is_whitespace() || ":,|;=".contains(c))
        .filter_map(|word| word.parse::<StackId>().ok())
        .any(|word| is_reached(&word))
}

/// What a stack that was reached waits for, in the order of the ids.
#[derive(Default, Clone)]
struct Links {
    upstream: Vec<usize>,
    outside: Vec<usize>,
}

/// The links of each stack; none of those that were not reached.
fn links(root: usize, reached: &[bool], runs: &[bool], graph: &DependencyGraph) -> Vec<Links> {
    let mut links = vec![Links::default(); reached.len()];
    for at in order_of_reached(root, reached, graph) {
        let mut own = Links::default();
        for &other in graph.upstream_at(at).iter().filter(|&&other| other != root) {
            if runs[other] {
                own.upstream.push(other);
            } else {
                own.outside.push(other);
                // Nothing, unless the stack was reached and is passed over.
                own.upstream.extend(&links[other].upstream);
            }
        }
        own.upstream.sort_unstable();
        own.upstream.dedup();
        links[at] = own;
    }
    links
}

/// What was reached, without the root, each after all its upstream.
fn order_of_reached(root: usize, reached: &[bool], graph: &DependencyGraph) -> Vec<usize> {
    let stacks: Vec<usize> = (0..reached.len())
        .filter(|&at| reached[at] && at != root)
        .collect();
    let inside = renumbered(&stacks, |at| graph.upstream_at(at));
    order::topological(&inside)
        .into_iter()
        .map(|number| stacks[number])
        .collect()
}

/// The edges among `stacks`, by their places in that list.
fn renumbered<'a>(stacks: &[usize], upstream: impl Fn(usize) -> &'a [usize]) -> Vec<Vec<usize>> {
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

fn ids(stacks: &[usize], graph: &DependencyGraph) -> Vec<StackId> {
    stacks.iter().map(|&at| graph.stacks()[at].id.clone()).collect()
}

fn commit_choice(root: &Root, root_facts: &StackFacts, facts: &StackFacts) -> CommitChoice {
    let own = |why| CommitChoice { sha: None, why };
    if facts.repository != root_facts.repository {
        return own(CommitReason::OtherRepository);
    }
    if facts.branch != root.branch {
        return own(CommitReason::OtherBranch);
    }
    match &root.commit {
        Some(sha) => CommitChoice {
            sha: Some(sha.clone()),
            why: CommitReason::SameRepositoryAndBranch,
        },
        None => own(CommitReason::RootCommitUnknown),
    }
}

/// The problems of the stacks that run, without those that [`left_out`] tells already.
fn worth_telling(runs: &[bool], graph: &DependencyGraph) -> Vec<Problem> {
    let runs = |id: &StackId| graph.index(id).is_some_and(|at| runs[at]);
    graph
        .problems()
        .iter()
        .filter(|problem| {
            !matches!(
                problem,
                Problem::Disabled { .. } | Problem::Dangling { .. } | Problem::UnreadableLabel { .. }
            )
        })
        .filter(|problem| problem.stacks().iter().any(runs))
        .cloned()
        .collect()
}

fn refuse_large(chain: Chain) -> Result<Chain, Refusal> {
    let bytes_max = chain.settings.bytes_max;
    let bytes = serde_json::to_vec(&chain).map_or(usize::MAX, |json| json.len());
    if bytes > bytes_max as usize {
        Err(Refusal::TooLarge { bytes, bytes_max })
    } else {
        Ok(chain)
    }
}
