//! The rules of a chain, checked on random accounts against an oracle that shares no code with the planner:
//! it knows only which stack names which, and closes that relation by brute force.

#![expect(
    clippy::needless_range_loop,
    reason = "stacks are numbers here, and relations are matrices"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use chain::{
    Chain, ChainSettings, DependencyGraph, LabelGrammar, OnFailure, Outcome, Problem, Reason, Refusal,
};
use chain::{StackFacts, StackId, StackState, Walk};
use proptest::prelude::*;

use crate::account::{id, root, stack};

const CASES: u32 = 1_000;
const STACKS_MAX: usize = 12;

/// An account with a random graph, cycles and all. The root is stack 0.
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
        // Against the order of the numbers, so that neither order is right by accident.
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

    /// `closure[b][a]`: `b` waits for `a` through any number of stacks that `through` allows in between.
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
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

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
    fn a_chain_has_each_stack_once_after_its_upstream(account in account(true)) {
        let chain = account.plan(&ChainSettings::default()).unwrap();
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
            prop_assert_eq!(stack.downstream_count, set(len, |b| runs[b] && waits_for[b][at]).len());
        }

        let counts: Vec<usize> = chain.stacks.iter().map(|stack| stack.downstream_count).collect();
        prop_assert!(counts.is_sorted_by(|a, b| a >= b), "the most downstream come first");

        let reached = |at: usize| at != 0 && waits_for[at][0];
        let expected: BTreeMap<StackId, &str> = (0..len)
            .filter(|&at| reached(at) && !runs[at])
            .map(|at| (Account::id(at), if account.disabled[at] { "disabled" } else { "unreadable_label" }))
            .chain((0..len).any(|at| reached(at) && account.dangling[at]).then(|| (id("nowhere"), "unknown")))
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

    #[test]
    fn a_walk_keeps_the_rules_whatever_happens(
        account in account(true),
        parallel_runs in 1..5_u32,
        on_failure in prop_oneof![
            Just(OnFailure::SkipDownstream), Just(OnFailure::Stop), Just(OnFailure::Continue)
        ],
        events in proptest::collection::vec((0..20_u8, 0..STACKS_MAX), 200),
    ) {
        let parallel_runs = NonZeroU32::new(parallel_runs).unwrap();
        let settings = ChainSettings { parallel_runs, on_failure, ..ChainSettings::default() };
        let mut random = Random { walk: Walk::new(account.plan(&settings).unwrap()), account, ends: BTreeMap::new() };
        for (kind, pick) in events {
            random.step(kind, pick)?;
        }
        random.walk.resume();
        while !random.walk.is_over() {
            let before = random.walk.clone();
            random.step(0, 0)?;
            random.step(6, 0)?;
            prop_assert_ne!(&random.walk, &before, "it got stuck");
        }
        random.check_the_end()?;
    }
}

/// A walk in which anything may happen, and what really happened to each stack.
struct Random {
    walk: Walk,
    account: Account,
    ends: BTreeMap<usize, StackState>,
}

impl Random {
    fn step(&mut self, kind: u8, pick: usize) -> Result<(), TestCaseError> {
        let ready = self.walk.ready();
        let running: Vec<StackId> = self
            .walk
            .progress()
            .iter()
            .filter(|stack| stack.state == StackState::Running)
            .map(|stack| stack.id.clone())
            .collect();
        self.check_ready(&ready, running.len())?;
        match kind {
            0..=5 if !ready.is_empty() => {
                let stack = &ready[pick % ready.len()];
                prop_assert!(
                    !self.ends.contains_key(&Account::number(stack)),
                    "a stack runs once"
                );
                self.walk.start(stack, 1).unwrap();
            }
            6..=15 if !running.is_empty() => {
                let stack = &running[pick % running.len()];
                let reason = || Reason::new("by_chance", "it is so");
                let (outcome, state) = match kind {
                    6..=12 => (Outcome::Succeeded, StackState::Succeeded),
                    13..=14 => (Outcome::Failed(reason()), StackState::Failed),
                    _ => (Outcome::Skipped(reason()), StackState::Skipped),
                };
                self.walk.finish(stack, outcome, 2).unwrap();
                self.ends.insert(Account::number(stack), state);
            }
            16 => self.walk.pause(),
            17 | 18 => self.walk.resume(),
            19 => {
                let saved = serde_json::to_string(&self.walk).unwrap();
                self.walk = serde_json::from_str(&saved).unwrap();
            }
            _ => {}
        }
        Ok(())
    }

    /// The stacks that may start are those of the oracle, and as many as there is room for.
    fn check_ready(&self, ready: &[StackId], running: usize) -> Result<(), TestCaseError> {
        let room = self.walk.chain().settings.parallel_runs.get() as usize - running;
        let waits_for = self.account.closure(|_| true);
        let state = |at: usize| self.walk.stack(&Account::id(at)).map(|stack| stack.state);
        let free = set(self.account.len(), |at| {
            state(at) == Some(StackState::Waiting)
                && (0..self.account.len())
                    .filter(|&a| waits_for[at][a])
                    .all(|a| state(a).is_none_or(StackState::is_over))
        });
        let expected = if self.walk.is_paused() {
            0
        } else {
            free.len().min(room)
        };
        prop_assert_eq!(ready.len(), expected);
        prop_assert!(numbers(ready).is_subset(&free), "{:?} of {:?}", ready, free);
        let downstream = |at: usize| {
            self.walk
                .chain()
                .stacks
                .iter()
                .find(|stack| stack.id == Account::id(at))
                .unwrap()
                .downstream_count
        };
        let least = ready.iter().map(Account::number).map(downstream).min();
        let passed_over = free.difference(&numbers(ready)).copied().map(downstream).max();
        prop_assert!(
            expected == 0 || passed_over <= least,
            "the most downstream come first"
        );
        Ok(())
    }

    fn check_the_end(&self) -> Result<(), TestCaseError> {
        let waits_for = self.account.closure(|_| true);
        let on_failure = self.walk.chain().settings.on_failure;
        let failed = set(self.account.len(), |at| {
            self.ends.get(&at) == Some(&StackState::Failed)
        });
        for stack in self.walk.progress() {
            let at = Account::number(&stack.id);
            let code = stack.reason.as_ref().map(|reason| reason.code.as_str());
            let behind_a_failure = failed.iter().any(|&a| waits_for[at][a]);
            if let Some(&state) = self.ends.get(&at) {
                prop_assert_eq!(stack.state, state);
                prop_assert!(
                    on_failure == OnFailure::Continue || !behind_a_failure,
                    "{} ran",
                    stack.id
                );
            } else {
                // What a first failure stopped may be downstream of a second one.
                let is_right = match code {
                    Some("upstream_failed") => behind_a_failure && on_failure != OnFailure::Continue,
                    Some("chain_stopped") => !failed.is_empty() && on_failure == OnFailure::Stop,
                    _ => false,
                };
                prop_assert_eq!(stack.state, StackState::Skipped);
                prop_assert!(is_right, "{} was skipped: {:?}", stack.id, code);
            }
            prop_assert_eq!(
                code.is_some(),
                stack.state != StackState::Succeeded,
                "one reason for what did not run"
            );
        }
        Ok(())
    }
}
