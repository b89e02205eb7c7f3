//! The rules of a chain, checked on random accounts against an oracle that shares no code with the planner: it knows
//! only which stack names which, and closes that relation by brute force.

#![expect(
    clippy::needless_range_loop,
    reason = "stacks are numbers here, and relations are matrices"
)]

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chain::{
    Chain, ChainSettings, DependencyGraph, LabelGrammar, Problem, Refusal, StackFacts, StackId,
    UnknownUpstream,
};
use proptest::prelude::*;

use crate::account::{id, root, stack};

const STACKS_MAX: usize = 12;
const CASES: u32 = 1_000;

/// `PROPTEST_CASES` sets another number.
fn cases() -> u32 {
    let number = std::env::var("PROPTEST_CASES").ok();
    number.map_or(CASES, |number| number.parse().unwrap())
}

/// An account with a random graph, including cycles. The root is stack 0.
#[derive(Debug, Clone)]
struct Account {
    /// `waits[b][a]`: stack `b` names stack `a`.
    waits: Vec<Vec<bool>>,
    disabled: Vec<bool>,
    unreadable: Vec<bool>,
    dangling: Vec<bool>,
}

impl Account {
    fn len(&self) -> usize {
        self.waits.len()
    }

    fn id(stack: usize) -> StackId {
        // In reverse order of the numbers, so that neither order is right by accident.
        id(&format!("s{:02}", 50 - stack))
    }

    fn number(id: &StackId) -> usize {
        50 - id.as_str()[1..].parse::<usize>().unwrap()
    }

    fn facts(&self, at: usize) -> StackFacts {
        let mut labels: Vec<String> = (0..self.len())
            .filter(|&a| self.waits[at][a])
            .map(|a| format!("dependsOn:{}", Self::id(a)))
            .collect();
        if self.unreadable[at] {
            labels.push("dependsOn:,".to_owned());
        }
        if self.dangling[at] {
            labels.push("depends-on:nowhere".to_owned());
        }
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        StackFacts {
            disabled: self.disabled[at],
            ..stack(Self::id(at).as_str(), &labels)
        }
    }

    fn graph(&self) -> DependencyGraph {
        DependencyGraph::build(
            (0..self.len()).map(|at| self.facts(at)).collect(),
            &LabelGrammar::default(),
        )
    }

    fn plan(&self, settings: &ChainSettings) -> Result<Chain, Refusal> {
        chain::plan(&self.graph(), &root(Self::id(0).as_str()), settings)
    }

    /// `closure[b][a]`: `b` waits for `a` through any number of stacks that `through` allows.
    fn closure(&self, through: impl Fn(usize) -> bool) -> Vec<Vec<bool>> {
        let mut closure = self.waits.clone();
        for middle in (0..self.len()).filter(|&middle| through(middle)) {
            for b in 0..self.len() {
                for a in 0..self.len() {
                    closure[b][a] |= closure[b][middle] && closure[middle][a];
                }
            }
        }
        closure
    }

    fn runs(&self, at: usize) -> bool {
        at != 0 && !self.disabled[at] && !self.unreadable[at] && self.closure(|_| true)[at][0]
    }
}

/// `acyclic` accounts only have edges from higher to lower numbers.
fn account(acyclic: bool) -> impl Strategy<Value = Account> {
    let edges = if acyclic { 0..40 } else { 0..18_usize };
    (2..=STACKS_MAX).prop_flat_map(move |len| {
        let flags = |weight| proptest::collection::vec(proptest::bool::weighted(weight), len);
        (
            proptest::collection::vec((0..len, 0..len), edges.clone()),
            flags(0.15),
            flags(0.08),
            flags(0.1),
        )
            .prop_map(move |(edges, disabled, unreadable, dangling)| {
                let mut waits = vec![vec![false; len]; len];
                for (a, b) in edges {
                    if !acyclic {
                        waits[b][a] = true;
                    } else if a != b {
                        waits[a.max(b)][a.min(b)] = true;
                    }
                }
                Account {
                    waits,
                    disabled,
                    unreadable,
                    dangling,
                }
            })
    })
}

fn numbers(ids: &[StackId]) -> BTreeSet<usize> {
    ids.iter().map(Account::number).collect()
}

fn set(len: usize, has: impl Fn(usize) -> bool) -> BTreeSet<usize> {
    (0..len).filter(|&at| has(at)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a_chain_is_refused_if_and_only_if_it_reaches_a_cycle(account in account(false)) {
        let closure = account.closure(|_| true);
        let tangled = set(account.len(), |at| (at == 0 || closure[at][0]) && closure[at][at]);
        match account.plan(&ChainSettings::default()) {
            Ok(_) => prop_assert!(tangled.is_empty(), "{tangled:?} wait for themselves"),
            Err(Refusal::Cycle { stacks }) => {
                let cycle: Vec<usize> = stacks.iter().map(Account::number).collect();
                for (at, &stack) in cycle.iter().enumerate() {
                    prop_assert!(tangled.contains(&stack));
                    prop_assert!(account.waits[stack][cycle[(at + 1) % cycle.len()]], "{cycle:?} is no cycle");
                }
                prop_assert!(cycle.len() > 1 && numbers(&stacks).len() == cycle.len(), "{cycle:?}");
            }
            Err(Refusal::SelfDependency { stack }) => {
                let stack = Account::number(&stack);
                prop_assert!(tangled.contains(&stack) && account.waits[stack][stack]);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn every_edge_of_a_cycle_is_in_a_reported_one(account in account(false)) {
        let closure = account.closure(|_| true);
        let mut expected = BTreeSet::new();
        for b in 0..account.len() {
            for a in 0..account.len() {
                if a != b && account.waits[b][a] && closure[a][b] {
                    expected.insert((b, a));
                }
            }
        }
        let mut reported = BTreeSet::new();
        for problem in account.graph().problems() {
            match problem {
                Problem::Cycle { stacks } => {
                    let cycle: Vec<usize> = stacks.iter().map(Account::number).collect();
                    reported.extend(cycle.iter().copied().zip(cycle.iter().copied().cycle().skip(1)));
                }
                Problem::SelfDependency { stack, .. } => {
                    let stack = Account::number(stack);
                    prop_assert!(account.waits[stack][stack]);
                }
                _ => {}
            }
        }
        prop_assert_eq!(reported, expected);
    }

    #[test]
    fn a_chain_has_each_stack_once_after_its_upstream(account in account(true), ignore in any::<bool>()) {
        let unknown_upstream = if ignore { UnknownUpstream::Ignore } else { UnknownUpstream::Skip };
        let chain = account.plan(&ChainSettings { unknown_upstream, ..ChainSettings::default() }).unwrap();
        let len = account.len();
        let waits_for = account.closure(|_| true);
        let runs: Vec<bool> = (0..len).map(|at| account.runs(at)).collect();
        let nearest = account.closure(|middle| middle != 0 && !runs[middle] && waits_for[middle][0]);

        let order: Vec<usize> = chain.stacks.iter().map(|stack| Account::number(&stack.id)).collect();
        let place: BTreeMap<usize, usize> = order.iter().enumerate().map(|(place, &stack)| (stack, place)).collect();
        prop_assert_eq!(place.len(), order.len(), "a stack runs once");
        prop_assert_eq!(place.keys().copied().collect::<BTreeSet<_>>(), set(len, |at| runs[at]));
        for stack in &chain.stacks {
            let at = Account::number(&stack.id);
            for a in (0..len).filter(|&a| runs[a] && waits_for[at][a]) {
                prop_assert!(place[&a] < place[&at], "{a} comes before {at}");
            }
            prop_assert_eq!(numbers(&stack.upstream), set(len, |a| runs[a] && nearest[at][a]));
            prop_assert_eq!(numbers(&stack.outside), set(len, |a| a != 0 && !runs[a] && account.waits[at][a]));
            for ids in [&stack.upstream, &stack.outside] {
                prop_assert!(ids.is_sorted_by(|a, b| a < b), "each once, in order");
            }
            let longest = (0..len).filter(|&b| runs[b] && nearest[b][at]).map(|b| chain.stacks[place[&b]].remaining + 1);
            prop_assert_eq!(stack.remaining, longest.max().unwrap_or(0));
            let reached = |a: usize| a != 0 && waits_for[a][0];
            let unknown = (0..len).any(|a| account.dangling[a] && reached(a) && (a == at || waits_for[at][a]));
            prop_assert_eq!(stack.skipped.is_some(), unknown && !ignore, "{:?}", stack.skipped);
        }

        prop_assert!(chain.stacks.is_sorted_by_key(|stack| Reverse(stack.remaining)), "the longest way comes first");

        let reached = |at: usize| at != 0 && waits_for[at][0];
        let is_unknown_listed = ignore && (0..len).any(|at| reached(at) && account.dangling[at]);
        let expected: BTreeMap<StackId, &str> = (0..len)
            .filter(|&at| reached(at) && !runs[at])
            .map(|at| (Account::id(at), if account.disabled[at] { "disabled" } else { "unreadable_label" }))
            .chain(is_unknown_listed.then(|| (id("nowhere"), "unknown")))
            .collect();
        let left_out: BTreeMap<StackId, &str> =
            chain.left_out.iter().map(|left_out| (left_out.id.clone(), left_out.reason.code())).collect();
        prop_assert_eq!(left_out, expected);
    }

    #[test]
    fn the_order_of_the_listing_changes_nothing(
        account in account(true),
        order in Just((0..STACKS_MAX).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let shuffled: Vec<_> =
            order.into_iter().filter(|&at| at < account.len()).map(|at| account.facts(at)).collect();
        let graph = DependencyGraph::build(shuffled, &LabelGrammar::default());
        let as_listed = account.graph();
        prop_assert_eq!(graph.problems(), as_listed.problems());
        let settings = ChainSettings::default();
        let chain = chain::plan(&graph, &root(Account::id(0).as_str()), &settings).unwrap();
        prop_assert_eq!(chain, account.plan(&settings).unwrap());
    }
}
