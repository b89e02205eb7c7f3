//! All stacks of an account and the dependencies between them, from their labels.
//!
//! A graph can always be built. What is wrong with it is a list of [`Problem`]s. Only a chain that reaches a cycle is
//! refused, by [`plan`](crate::plan).

mod cycles;

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, DefaultHasher};

use serde::{Deserialize, Serialize};

use crate::label::{self, LabelError, LabelErrorKind, LabelGrammar};
use crate::{CommitSha, Problem, SpaceId, StackId, StackPolicy};

/// What is needed to place a stack in a chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackFacts {
    pub id: StackId,
    pub name: String,
    pub space: Option<SpaceId>,
    pub labels: Vec<String>,
    pub disabled: bool,
    pub locked_by: Option<String>,
    /// Where the code is. Equal texts mean the same repository, so the text includes the namespace.
    pub repository: String,
    pub branch: String,
    pub tracked_commit: Option<CommitSha>,
    pub autodeploy: bool,
    /// The stacks after which Spacelift itself runs this one.
    pub native_dependencies: Vec<StackId>,
}

/// The stacks, and which of them wait for which.
///
/// Stacks are numbered in the order of their ids, and all results are in that order.
#[derive(Debug, Clone)]
pub struct DependencyGraph {
    stacks: Vec<StackFacts>,
    upstream: Vec<Vec<usize>>,
    downstream: Vec<Vec<usize>>,
    /// From labels and Spacelift's own dependencies.
    all_upstream: Vec<Vec<usize>>,
    all_downstream: Vec<Vec<usize>>,
    has_native: bool,
    policies: Vec<StackPolicy>,
    problems: Vec<Problem>,
}

impl DependencyGraph {
    pub fn build(mut stacks: Vec<StackFacts>, grammar: &LabelGrammar) -> Self {
        let mut problems = BTreeSet::new();
        stacks.sort_by(|a, b| a.id.cmp(&b.id));
        stacks.dedup_by(|later, first| {
            let same = later.id == first.id;
            if same {
                problems.insert(Problem::DuplicateStack {
                    stack: first.id.clone(),
                });
            }
            same
        });

        let policies: Vec<StackPolicy> = stacks
            .iter()
            .map(|stack| policy_of(stack, &mut problems))
            .collect();
        let numbers: Numbers<'_> = stacks
            .iter()
            .enumerate()
            .map(|(number, stack)| (&stack.id, number))
            .collect();
        let upstream: Vec<_> = stacks
            .iter()
            .zip(&policies)
            .map(|(stack, policy)| upstream_of(stack, policy, &stacks, &numbers, grammar, &mut problems))
            .collect();
        let downstream = reversed(&upstream);
        for (stack, facts) in stacks.iter().enumerate() {
            if facts.disabled && !(upstream[stack].is_empty() && downstream[stack].is_empty()) {
                problems.insert(Problem::Disabled {
                    stack: facts.id.clone(),
                });
            }
        }
        let all_upstream: Vec<_> = stacks
            .iter()
            .zip(&upstream)
            .map(|(stack, by_label)| {
                let native = stack.native_dependencies.iter().filter_map(|id| numbers.get(id));
                let own = numbers.get(&stack.id);
                let mut all: Vec<usize> = by_label.clone();
                all.extend(native.filter(|&other| Some(other) != own));
                all.sort_unstable();
                all.dedup();
                all
            })
            .collect();
        for tangle in cycles::tangles(&all_upstream) {
            let id = |&stack: &usize| stacks[stack].id.clone();
            problems.extend(tangle.cycles.iter().map(|cycle| Problem::Cycle {
                stacks: cycle.iter().map(id).collect(),
            }));
            if tangle.has_more {
                problems.insert(Problem::MoreCycles {
                    stacks: tangle.stacks.iter().map(id).collect(),
                });
            }
        }
        Self {
            has_native: all_upstream != upstream,
            all_downstream: reversed(&all_upstream),
            policies,
            stacks,
            upstream,
            downstream,
            all_upstream,
            problems: problems.into_iter().collect(),
        }
    }

    /// The problems, errors first.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Every stack, in the order of the ids.
    pub fn stacks(&self) -> &[StackFacts] {
        &self.stacks
    }

    pub fn stack(&self, id: &StackId) -> Option<&StackFacts> {
        self.index(id).map(|stack| &self.stacks[stack])
    }

    /// The settings in the labels of a stack.
    pub fn policy(&self, id: &StackId) -> Option<&StackPolicy> {
        self.index(id).map(|stack| &self.policies[stack])
    }

    pub(crate) fn policy_at(&self, stack: usize) -> &StackPolicy {
        &self.policies[stack]
    }

    /// The stacks that `id` waits for. Empty if there is no such stack.
    pub fn upstream(&self, id: &StackId) -> impl Iterator<Item = &StackId> {
        self.neighbours(id, &self.upstream)
    }

    /// The stacks that `id` waits for, by labels and by Spacelift's own dependencies.
    pub fn all_upstream(&self, id: &StackId) -> impl Iterator<Item = &StackId> {
        self.neighbours(id, &self.all_upstream)
    }

    /// The stacks that wait for `id`. Empty if there is no such stack.
    pub fn downstream(&self, id: &StackId) -> impl Iterator<Item = &StackId> {
        self.neighbours(id, &self.downstream)
    }

    /// The stacks that wait for `id`, by labels and by Spacelift's own dependencies.
    pub fn all_downstream(&self, id: &StackId) -> impl Iterator<Item = &StackId> {
        self.neighbours(id, &self.all_downstream)
    }

    fn neighbours<'a>(&'a self, id: &StackId, edges: &'a [Vec<usize>]) -> impl Iterator<Item = &'a StackId> {
        self.index(id)
            .into_iter()
            .flat_map(|stack| &edges[stack])
            .map(|&other| &self.stacks[other].id)
    }

    /// The stack with this name, ignoring case and separators. `None` if several have it.
    pub fn named(&self, name: &str) -> Option<&StackId> {
        let name = label::significant(name);
        let mut found = self
            .stacks
            .iter()
            .filter(|stack| !name.is_empty() && label::significant(&stack.name) == name);
        let first = found.next();
        first.filter(|_| found.next().is_none()).map(|stack| &stack.id)
    }

    /// The path by which `from` waits for `to`, by labels and Spacelift's own dependencies, including both ends.
    pub fn path(&self, from: &StackId, to: &StackId) -> Option<Vec<StackId>> {
        let next = |stack: usize| self.all_upstream[stack].iter().copied();
        let path = cycles::shortest_path(self.index(from)?, self.index(to)?, next)?;
        Some(
            path.into_iter()
                .map(|stack| self.stacks[stack].id.clone())
                .collect(),
        )
    }

    pub(crate) fn index(&self, id: &StackId) -> Option<usize> {
        self.stacks.binary_search_by(|stack| stack.id.cmp(id)).ok()
    }

    pub(crate) fn upstream_at(&self, stack: usize) -> &[usize] {
        &self.upstream[stack]
    }

    /// What a stack waits for by labels and Spacelift's own dependencies, in order, without duplicates.
    pub(crate) fn all_upstream_at(&self, stack: usize) -> &[usize] {
        &self.all_upstream[stack]
    }

    /// What waits for a stack by labels and Spacelift's own dependencies, in order, without duplicates.
    pub(crate) fn all_downstream_at(&self, stack: usize) -> &[usize] {
        &self.all_downstream[stack]
    }

    /// Whether Spacelift's own dependencies add anything to the labels.
    pub(crate) fn has_native(&self) -> bool {
        self.has_native
    }

    pub(crate) fn downstream_at(&self, stack: usize) -> &[usize] {
        &self.downstream[stack]
    }
}

/// The number of each stack. The map is only used for look-ups, so its order cannot leak into results.
type Numbers<'a> = HashMap<&'a StackId, usize, BuildHasherDefault<DefaultHasher>>;

/// The dependents of each stack, in order.
fn reversed(upstream: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut downstream = vec![Vec::new(); upstream.len()];
    for (dependent, dependencies) in upstream.iter().enumerate() {
        for &dependency in dependencies {
            downstream[dependency].push(dependent);
        }
    }
    downstream
}

fn policy_of(stack: &StackFacts, problems: &mut BTreeSet<Problem>) -> StackPolicy {
    let (policy, unreadable) = StackPolicy::of(&stack.labels);
    problems.extend(unreadable.into_iter().map(|policy| Problem::UnreadablePolicy {
        stack: stack.id.clone(),
        label: policy.label,
        reason: policy.reason,
    }));
    policy
}

/// A label that adds no dependency although it looks like one.
fn unused_label(stack: &StackFacts, label: &str, error: &LabelError) -> Problem {
    let (stack, label, reason) = (stack.id.clone(), label.to_owned(), error.to_string());
    match error.kind {
        // It asks for no place in the order, so the stack keeps the one of its other labels.
        LabelErrorKind::State { .. } if !label.contains(',') => Problem::OtherState { stack, label, reason },
        _ => Problem::UnreadableLabel { stack, label, reason },
    }
}

/// The numbers of the stacks that `stack` waits for, in order, without duplicates.
fn upstream_of(
    stack: &StackFacts,
    policy: &StackPolicy,
    stacks: &[StackFacts],
    numbers: &Numbers<'_>,
    grammar: &LabelGrammar,
    problems: &mut BTreeSet<Problem>,
) -> Vec<usize> {
    let mut upstream = BTreeSet::new();
    for label in &stack.labels {
        let targets = match label::parse(label, grammar) {
            Ok(targets) => targets.unwrap_or_default(),
            Err(e) => {
                problems.insert(unused_label(stack, label, &e));
                continue;
            }
        };
        for dependency in targets {
            let dependent = stack.id.clone();
            if dependency == dependent {
                problems.insert(Problem::SelfDependency {
                    stack: dependent,
                    label: label.clone(),
                });
                continue;
            }
            let Some(&index) = numbers.get(&dependency) else {
                if policy.optional.contains(&dependency) {
                    continue;
                }
                problems.insert(Problem::Dangling {
                    dependent,
                    dependency,
                    label: label.clone(),
                });
                continue;
            };
            if stack.native_dependencies.contains(&dependency) {
                let (dependent, dependency) = (dependent.clone(), dependency.clone());
                problems.insert(Problem::AlsoNative {
                    dependent,
                    dependency,
                });
            }
            if stacks[index].native_dependencies.contains(&dependent) {
                let (dependent, dependency) = (dependent.clone(), dependency.clone());
                problems.insert(Problem::AgainstNative {
                    dependent,
                    dependency,
                });
            }
            if !upstream.insert(index) {
                problems.insert(Problem::DuplicateEdge {
                    dependent,
                    dependency,
                });
            }
        }
    }
    let optional = policy.optional.iter().filter(|id| **id != stack.id);
    upstream.extend(optional.filter_map(|id| numbers.get(id)));
    upstream.into_iter().collect()
}
