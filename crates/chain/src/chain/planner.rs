//! The planner. It decides which stacks belong to a chain, and what each waits for.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::links::{links, native_links, renumbered};
use super::member::Member;
use super::scope::{Scope, downstream, reached_in, restrict};
use super::{
    Chain, ChainStack, CommitChoice, CommitReason, LeftOut, LeftOutReason, Refusal, Root, VERSION, order,
};
use crate::problem::names_any;
use crate::{
    ChainSettings, Confirm, DependencyGraph, Problem, Reason, ReasonCode, StackFacts, StackId, StackPolicy,
    UnknownUpstream,
};

/// The role of each stack of the account in the chain of a root, in the order of the graph.
pub(crate) fn members(
    graph: &DependencyGraph,
    root: &Root,
    scope: Scope<'_>,
    settings: &ChainSettings,
) -> Result<Vec<Member>, Refusal> {
    let root_at = graph.index(&root.stack).ok_or_else(|| Refusal::UnknownRoot {
        stack: root.stack.clone(),
    })?;
    let reached = reached_in(root_at, root, scope, graph);
    refuse_cycles(&reached, graph)?;
    if graph.policy_at(root_at).ignore && !root.is_due {
        // A root whose label says `ignore` starts nothing.
        return Ok(vec![Member::Outside; graph.stacks().len()]);
    }
    let has_run = !root.is_due;
    let mut left_out = left_out(root_at, &reached, graph);
    let mut members: Vec<Member> = (0..graph.stacks().len())
        .map(|at| match left_out.remove(&graph.stacks()[at].id) {
            _ if !reached[at] || (at == root_at && has_run) => Member::Outside,
            Some(reason) => Member::LeftOut(reason),
            None => Member::Runs,
        })
        .collect();
    if settings.unknown_upstream == UnknownUpstream::Skip {
        skip_unknown(&mut members, root, graph);
    }
    if let Scope::Only(only) = scope {
        restrict(&mut members, only, graph);
    }
    let stacks = members
        .iter()
        .filter(|member| matches!(member, Member::Runs | Member::Skipped(_)))
        .count();
    if stacks > settings.stacks_max as usize {
        return Err(Refusal::TooManyStacks {
            stacks,
            stacks_max: settings.stacks_max,
        });
    }
    Ok(members)
}

/// Skips the dependents of a stack that does not exist or is not visible, and everything downstream of them.
fn skip_unknown(members: &mut [Member], root: &Root, graph: &DependencyGraph) {
    let mut open: Vec<(usize, Reason)> = Vec::new();
    for problem in graph.problems() {
        if let Problem::Dangling {
            dependent,
            dependency,
            label,
        } = problem
            && let Some(at) = graph.index(dependent)
            && (*dependent != root.stack || root.is_due)
        {
            let text =
                format!("its upstream `{dependency}` does not exist or is not visible (label `{label}`)");
            open.push((at, Reason::new(ReasonCode::UnknownUpstream, text)));
        }
    }
    while let Some((at, reason)) = open.pop() {
        if !matches!(members[at], Member::Runs | Member::LeftOut(_)) {
            continue;
        }
        let id = &graph.stacks()[at].id;
        let further = match reason.code {
            ReasonCode::UnknownUpstream => Reason::new(
                ReasonCode::UpstreamSkipped,
                format!("`{id}`, upstream of it, depends on a stack that does not exist or is not visible"),
            ),
            _ => reason.clone(),
        };
        open.extend(
            graph
                .downstream_at(at)
                .iter()
                .map(|&next| (next, further.clone())),
        );
        if members[at] == Member::Runs {
            members[at] = Member::Skipped(reason);
        }
    }
}

/// Plans what runs after `root`, or together with it if the root itself was requested.
///
/// Everything downstream of the root belongs to the chain. A disabled stack, and one with an unreadable label, is left
/// out and listed. Stacks that wait for it still run, after whatever it would have waited for. Whoever disables a stack
/// wants to leave it out, not to stop everything behind it.
pub fn plan(graph: &DependencyGraph, root: &Root, settings: &ChainSettings) -> Result<Chain, Refusal> {
    plan_only(graph, root, Scope::All, settings)
}

/// [`plan`] for some of the stacks.
pub fn plan_only(
    graph: &DependencyGraph,
    root: &Root,
    scope: Scope<'_>,
    settings: &ChainSettings,
) -> Result<Chain, Refusal> {
    let members = members(graph, root, scope, settings)?;
    let root_at = graph.index(&root.stack).ok_or_else(|| Refusal::UnknownRoot {
        stack: root.stack.clone(),
    })?;
    let root_facts = &graph.stacks()[root_at];
    let stacks: Vec<usize> = (0..members.len())
        .filter(|&at| matches!(members[at], Member::Runs | Member::Skipped(_)))
        .collect();
    let downstream = downstream(root_at, root, scope, graph);
    let all_reached = reached_in(root_at, root, scope, graph);
    let reached: Vec<bool> = members.iter().map(|member| *member != Member::Outside).collect();
    let has_run = (!root.is_due).then_some(root_at);
    let links = links(has_run, &reached, &members, graph);
    let native = native_links(&members, &links, graph);
    let waits: Vec<Vec<usize>> = (0..members.len())
        .map(|at| links[at].upstream.iter().chain(&native[at]).copied().collect())
        .collect();
    let remaining = order::longest_paths(&renumbered(&stacks, |at| &waits[at]));

    // A stack has a longer path to the end than any stack that waits for it, so this is also a topological order.
    let mut order: Vec<usize> = (0..stacks.len()).collect();
    order.sort_by_key(|&number| Reverse(remaining[number]));

    let planned = order.into_iter().map(|number| {
        let facts = &graph.stacks()[stacks[number]];
        let at = stacks[number];
        let links = &links[at];
        ChainStack {
            id: facts.id.clone(),
            name: facts.name.clone(),
            space: facts.space.clone(),
            upstream: ids(&links.upstream, graph),
            native_upstream: ids(&native[at], graph),
            outside: ids(&links.outside, graph),
            remaining: remaining[number],
            commit: commit_choice(root, root_facts, facts, graph.policy_at(at)),
            tracked_commit: facts.tracked_commit.clone(),
            autodeploy: facts.autodeploy,
            locked_by: facts.locked_by.clone(),
            skipped: match &members[at] {
                Member::Skipped(reason) => Some(reason.clone()),
                _ => None,
            },
            policy: graph.policy_at(at).clone(),
        }
    });
    let planned: Vec<ChainStack> = planned.collect();
    let belongs: Vec<bool> = members
        .iter()
        .map(|member| matches!(member, Member::Runs | Member::Skipped(_)))
        .collect();
    let chain = Chain {
        version: VERSION,
        root: root.clone(),
        root_repository: Some(root_facts.repository.clone()),
        settings: settings.clone(),
        needs_approval: needs_approval(root, planned.len(), settings),
        downstream,
        stacks: planned,
        left_out: listed_as_left_out(root_at, &all_reached, &members, graph, settings),
        problems: problems_worth_showing(&belongs, graph),
    };
    refuse_large(chain)
}

/// Why a person has to approve the chain. Whoever requests a retry has seen what will run.
fn needs_approval(root: &Root, stacks: usize, settings: &ChainSettings) -> Option<Reason> {
    if root.retry_of.is_some() {
        return None;
    }
    if settings.confirm == Confirm::Chain && root.push.is_some() {
        let text = "a push started the chain, and such chains need one approval";
        return Some(Reason::new(ReasonCode::ConfirmChain, text));
    }
    let most = settings.ask_above;
    (most > 0 && stacks > most as usize).then(|| {
        let text = format!("the chain has {stacks} stacks, more than {most}");
        Reason::new(ReasonCode::AskAbove, text)
    })
}

/// What is listed as left out. Missing stacks are listed only if nothing is skipped because of them.
fn listed_as_left_out(
    root: usize,
    reached: &[bool],
    members: &[Member],
    graph: &DependencyGraph,
    settings: &ChainSettings,
) -> Vec<LeftOut> {
    let is_ignored = settings.unknown_upstream == UnknownUpstream::Ignore;
    let is_unknown = |reason: &LeftOutReason| matches!(reason, LeftOutReason::Unknown { .. });
    let mut listed: BTreeMap<StackId, LeftOutReason> = left_out(root, reached, graph)
        .into_iter()
        .filter(|(_, reason)| is_ignored || !is_unknown(reason))
        .collect();
    for (at, member) in members.iter().enumerate() {
        let id = &graph.stacks()[at].id;
        match member {
            Member::LeftOut(reason) => {
                listed.insert(id.clone(), reason.clone());
            }
            // Stacks outside of a retry are not listed as left out of it.
            Member::Outside if reached[at] => {
                listed.remove(id);
            }
            Member::Outside | Member::Runs | Member::Skipped(_) => {}
        }
    }
    let listed = listed.into_iter();
    listed.map(|(id, reason)| LeftOut { id, reason }).collect()
}

fn refuse_cycles(reached: &[bool], graph: &DependencyGraph) -> Result<(), Refusal> {
    let is_reached = |id: &StackId| graph.index(id).is_some_and(|at| reached[at]);
    let refusal = graph.problems().iter().find_map(|problem| match problem {
        // If there are more cycles than are listed, the first of them stands for all.
        Problem::Cycle { stacks } if is_of_reached_tangle(stacks, graph, is_reached) => {
            Some(Refusal::Cycle {
                stacks: stacks.clone(),
            })
        }
        Problem::SelfDependency { stack, .. } if is_reached(stack) => {
            Some(Refusal::SelfDependency { stack: stack.clone() })
        }
        _ => None,
    });
    refusal.map_or(Ok(()), Err)
}

/// Whether the chain reaches a cycle, or one of those that are too many to be listed.
fn is_of_reached_tangle(
    cycle: &[StackId],
    graph: &DependencyGraph,
    is_reached: impl Fn(&StackId) -> bool,
) -> bool {
    cycle.iter().any(&is_reached)
        || graph.problems().iter().any(|problem| match problem {
            Problem::MoreCycles { stacks } => {
                cycle.iter().all(|id| stacks.contains(id)) && stacks.iter().any(&is_reached)
            }
            _ => false,
        })
}

/// The stacks that are not run, by id, with one reason each.
fn left_out(root: usize, reached: &[bool], graph: &DependencyGraph) -> BTreeMap<StackId, LeftOutReason> {
    let is_reached = |id: &StackId| graph.index(id).is_some_and(|at| reached[at]);
    let root_id = &graph.stacks()[root].id;
    let mut left_out: BTreeMap<StackId, LeftOutReason> = (0..reached.len())
        .filter(|&at| reached[at] && at != root)
        .filter_map(|at| {
            let facts = &graph.stacks()[at];
            let reason = if graph.policy_at(at).ignore {
                LeftOutReason::Ignored
            } else {
                facts.disabled.then_some(LeftOutReason::Disabled)?
            };
            Some((facts.id.clone(), reason))
        })
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

fn ids(stacks: &[usize], graph: &DependencyGraph) -> Vec<StackId> {
    stacks.iter().map(|&at| graph.stacks()[at].id.clone()).collect()
}

fn commit_choice(
    root: &Root,
    root_facts: &StackFacts,
    facts: &StackFacts,
    policy: &StackPolicy,
) -> CommitChoice {
    let own = |why| CommitChoice { sha: None, why };
    if policy.tracked_commit_only {
        return own(CommitReason::Label);
    }
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

/// The problems of the chain's stacks, without those that [`left_out`] already reports.
fn problems_worth_showing(belongs: &[bool], graph: &DependencyGraph) -> Vec<Problem> {
    let belongs = |id: &StackId| graph.index(id).is_some_and(|at| belongs[at]);
    graph
        .problems()
        .iter()
        .filter(|problem| {
            !matches!(
                problem,
                Problem::Disabled { .. } | Problem::Dangling { .. } | Problem::UnreadableLabel { .. }
            )
        })
        .filter(|problem| problem.stacks().iter().any(belongs))
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
