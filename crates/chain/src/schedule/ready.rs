//! The stacks that could run now, those first that should.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use super::Schedule;
use super::cause::{CauseNumber, Standing};
use crate::StackId;

/// For which causes a stack could run, and in which order stacks are tried. All of it can be computed from the state.
#[derive(Debug, Clone, Default)]
pub(super) struct Ready {
    by_stack: BTreeMap<StackId, Entry>,
    /// The longest way to the end first.
    by_length: BTreeSet<(Reverse<u32>, StackId)>,
    by_age: BTreeSet<(i64, StackId)>,
    /// How many stacks could run for each cause.
    stacks_of: BTreeMap<CauseNumber, usize>,
}

#[derive(Debug, Clone)]
struct Entry {
    causes: BTreeSet<CauseNumber>,
    remaining: u32,
    since_ms: i64,
}

/// A place in the order in which stacks are tried: what is old comes first.
#[derive(Debug, Clone)]
pub(super) enum Turn {
    Old(i64, StackId),
    Young(Reverse<u32>, StackId),
}

impl Turn {
    pub(super) fn stack(&self) -> &StackId {
        match self {
            Self::Old(_, stack) | Self::Young(_, stack) => stack,
        }
    }
}

impl Ready {
    pub(super) fn insert(&mut self, stack: &StackId, cause: CauseNumber, remaining: u32, since_ms: i64) {
        let known = self.by_stack.remove(stack);
        let mut entry = known.unwrap_or(Entry {
            causes: BTreeSet::new(),
            remaining,
            since_ms,
        });
        if entry.causes.insert(cause) {
            *self.stacks_of.entry(cause).or_default() += 1;
        }
        if entry.remaining < remaining {
            self.by_length.remove(&(Reverse(entry.remaining), stack.clone()));
            entry.remaining = remaining;
        }
        self.by_length.insert((Reverse(entry.remaining), stack.clone()));
        self.by_age.insert((entry.since_ms, stack.clone()));
        self.by_stack.insert(stack.clone(), entry);
    }

    pub(super) fn remove(&mut self, stack: &StackId, cause: CauseNumber) {
        let Some(entry) = self.by_stack.get_mut(stack) else {
            return;
        };
        if entry.causes.remove(&cause)
            && let Some(stacks) = self.stacks_of.get_mut(&cause)
        {
            *stacks -= 1;
            if *stacks == 0 {
                self.stacks_of.remove(&cause);
            }
        }
        if entry.causes.is_empty() {
            self.by_length.remove(&(Reverse(entry.remaining), stack.clone()));
            self.by_age.remove(&(entry.since_ms, stack.clone()));
            self.by_stack.remove(stack);
        }
    }

    pub(super) fn remove_cause(&mut self, cause: CauseNumber) -> Vec<StackId> {
        let has_cause = |entry: &&Entry| entry.causes.contains(&cause);
        let of_cause = self.by_stack.iter().filter(|(_, entry)| has_cause(entry));
        let stacks: Vec<StackId> = of_cause.map(|(stack, _)| stack.clone()).collect();
        for stack in &stacks {
            self.remove(stack, cause);
        }
        stacks
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_stack.is_empty()
    }

    /// The causes that are ready for a stack.
    pub(super) fn causes(&self, stack: &StackId) -> impl Iterator<Item = CauseNumber> {
        self.by_stack
            .get(stack)
            .into_iter()
            .flat_map(|entry| entry.causes.iter().copied())
    }

    /// The causes for which any stack is ready.
    pub(super) fn all_causes(&self) -> impl Iterator<Item = CauseNumber> {
        self.stacks_of.keys().copied()
    }

    pub(super) fn has_cause(&self, cause: CauseNumber) -> bool {
        self.stacks_of.contains_key(&cause)
    }

    /// The stack whose turn it is after another. Whatever has been ready since `old_ms` goes first, the oldest of it
    /// before all; then the longest way to the end.
    pub(super) fn turn_after(&self, turn: Option<&Turn>, old_ms: i64) -> Option<Turn> {
        let old = match turn {
            None => self.by_age.first(),
            Some(Turn::Old(since_ms, stack)) => self
                .by_age
                .range((Excluded((*since_ms, stack.clone())), Unbounded))
                .next(),
            Some(Turn::Young(..)) => None,
        };
        if let Some((since_ms, stack)) = old.filter(|(since_ms, _)| *since_ms <= old_ms) {
            return Some(Turn::Old(*since_ms, stack.clone()));
        }
        let is_young = |stack: &StackId| {
            let entry = self.by_stack.get(stack);
            entry.is_some_and(|entry| entry.since_ms > old_ms)
        };
        let after = match turn {
            Some(Turn::Young(remaining, stack)) => Excluded((*remaining, stack.clone())),
            _ => Unbounded,
        };
        let (remaining, stack) = self
            .by_length
            .range((after, Unbounded))
            .find(|(_, stack)| is_young(stack))?;
        Some(Turn::Young(*remaining, stack.clone()))
    }
}

impl Schedule {
    /// Computes what is ready from the state.
    pub(super) fn find_ready(&mut self) {
        self.ready = Ready::default();
        let numbers: Vec<CauseNumber> = self.state.causes.keys().copied().collect();
        for number in numbers {
            self.find_ready_of(number);
        }
    }

    /// Computes what is ready of one cause.
    pub(super) fn find_ready_of(&mut self, number: CauseNumber) {
        let Some(plan) = self.plan_of(number) else {
            return;
        };
        let Some(topology) = self.state.topologies.get(&plan.topology) else {
            return;
        };
        let ready: Vec<u32> = plan
            .standings
            .iter()
            .filter(|&(at, standing)| standing == Standing::Due && plan.is_ready(at, topology))
            .map(|(at, _)| at)
            .collect();
        for at in ready {
            self.set_ready(number, at);
        }
    }

    /// Everything upstream of the stack is over for this cause.
    pub(super) fn set_ready(&mut self, number: CauseNumber, at: u32) {
        let Some(topology) = self.topology(number) else {
            return;
        };
        let (stack, remaining) = (topology.id(at).clone(), topology.remaining(at));
        let now_ms = self.now_ms;
        let known = self.state.stacks.entry(stack.clone()).or_default();
        let since_ms = *known.ready_since_ms.get_or_insert(now_ms);
        self.ready.insert(&stack, number, remaining, since_ms);
    }

    /// The stack does not run for this cause, or does already.
    pub(super) fn unset_ready(&mut self, number: CauseNumber, stack: &StackId) {
        self.ready.remove(stack, number);
        self.is_ready_no_more(stack);
    }

    pub(super) fn is_ready_no_more(&mut self, stack: &StackId) {
        if self.ready.causes(stack).next().is_none()
            && let Some(known) = self.state.stacks.get_mut(stack)
        {
            known.ready_since_ms = None;
            known.last_wait = None;
            known.forget_tries();
            self.touched.insert(stack.clone());
        }
    }
}
