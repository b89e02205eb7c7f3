//! The stacks that can run now, in the order in which they are tried.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use super::Schedule;
use super::cause::{CauseNumber, Standing};
use crate::StackId;

/// The order in which stacks are tried: the greater priority first, then the longer path to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Weight {
    pub(super) priority: i32,
    /// How many stacks are on the longest path to the end.
    pub(super) remaining: u32,
}

/// For which causes each stack can run, and in which order stacks are tried. All of it can be computed from the state.
#[derive(Debug, Clone, Default)]
pub(super) struct Ready {
    by_stack: BTreeMap<StackId, Entry>,
    by_weight: BTreeSet<(Reverse<Weight>, StackId)>,
    by_age: BTreeSet<(i64, StackId)>,
    /// How many stacks can run for each cause.
    stacks_of: BTreeMap<CauseNumber, usize>,
}

#[derive(Debug, Clone)]
struct Entry {
    causes: BTreeSet<CauseNumber>,
    weight: Weight,
    since_ms: i64,
}

/// A position in the order in which stacks are tried. Old ones come first.
#[derive(Debug, Clone)]
pub(super) enum Turn {
    Old(i64, StackId),
    Young(Reverse<Weight>, StackId),
}

impl Turn {
    pub(super) fn stack(&self) -> &StackId {
        match self {
            Self::Old(_, stack) | Self::Young(_, stack) => stack,
        }
    }
}

impl Ready {
    pub(super) fn insert(&mut self, stack: &StackId, cause: CauseNumber, weight: Weight, since_ms: i64) {
        let known = self.by_stack.remove(stack);
        let mut entry = known.unwrap_or(Entry {
            causes: BTreeSet::new(),
            weight,
            since_ms,
        });
        if entry.causes.insert(cause) {
            *self.stacks_of.entry(cause).or_default() += 1;
        }
        if entry.weight < weight {
            self.by_weight.remove(&(Reverse(entry.weight), stack.clone()));
            entry.weight = weight;
        }
        self.by_weight.insert((Reverse(entry.weight), stack.clone()));
        self.by_age.insert((entry.since_ms, stack.clone()));
        self.by_stack.insert(stack.clone(), entry);
    }

    fn wait_anew(&mut self, stack: &StackId, since_ms: i64) {
        if let Some(entry) = self.by_stack.get_mut(stack) {
            self.by_age.remove(&(entry.since_ms, stack.clone()));
            entry.since_ms = since_ms;
            self.by_age.insert((since_ms, stack.clone()));
        }
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
            self.by_weight.remove(&(Reverse(entry.weight), stack.clone()));
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

    /// The causes for which a stack is ready.
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

    /// The next stack after another. Stacks that have been ready since `old_ms` come first, the oldest before the
    /// others, and then those with the greatest weight.
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
            Some(Turn::Young(weight, stack)) => Excluded((*weight, stack.clone())),
            _ => Unbounded,
        };
        let (weight, stack) = self
            .by_weight
            .range((after, Unbounded))
            .find(|(_, stack)| is_young(stack))?;
        Some(Turn::Young(*weight, stack.clone()))
    }
}

impl Schedule {
    /// Computes the ready stacks from the state.
    pub(super) fn find_ready(&mut self) {
        self.ready = Ready::default();
        let numbers: Vec<CauseNumber> = self.state.causes.keys().copied().collect();
        for number in numbers {
            self.find_ready_of(number);
        }
    }

    /// Computes the ready stacks of one cause.
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
        let (Some(plan), Some(topology)) = (self.plan_of(number), self.topology(number)) else {
            return;
        };
        let weight = Weight {
            priority: plan.priority(at),
            remaining: topology.remaining(at),
        };
        let stack = topology.id(at).clone();
        let now_ms = self.now_ms;
        let known = self.state.stacks.entry(stack.clone()).or_default();
        let since_ms = *known.ready_since_ms.get_or_insert(now_ms);
        self.ready.insert(&stack, number, weight, since_ms);
    }

    /// The stack does not run for this cause, or already does.
    pub(super) fn unset_ready(&mut self, number: CauseNumber, stack: &StackId) {
        self.ready.remove(stack, number);
        self.forget_wait_unless_ready(stack);
    }

    /// A run of the stack begins. Causes that need another one wait anew, so that they can share it with others.
    pub(super) fn wait_anew(&mut self, stack: &StackId) {
        let now_ms = self.now_ms;
        if self.ready.causes(stack).next().is_some()
            && let Some(known) = self.state.stacks.get_mut(stack)
        {
            known.ready_since_ms = Some(now_ms);
            known.last_wait = None;
            self.ready.wait_anew(stack, now_ms);
        }
    }

    /// A stack that no cause needs now forgets since when it waited and how often it was tried: for the next cause, both begin anew.
    pub(super) fn forget_wait_unless_ready(&mut self, stack: &StackId) {
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

#[cfg(test)]
mod tests {
    use super::{Ready, StackId, Weight};

    const OLD_MS: i64 = 100;

    fn id(name: &str) -> StackId {
        name.parse().unwrap()
    }

    fn insert(ready: &mut Ready, stack: &str, cause: u32, weight: (i32, u32), since_ms: i64) {
        let (priority, remaining) = weight;
        let weight = Weight { priority, remaining };
        ready.insert(&id(stack), cause, weight, since_ms);
    }

    /// The stacks, in the order in which they are tried.
    fn order(ready: &Ready) -> String {
        let mut order = Vec::new();
        let mut turn = ready.turn_after(None, OLD_MS);
        while let Some(now) = turn {
            order.push(now.stack().to_string());
            turn = ready.turn_after(Some(&now), OLD_MS);
        }
        order.join(" ")
    }

    #[test]
    fn old_stacks_come_first_and_then_the_weightiest() {
        let mut ready = Ready::default();
        assert!(ready.is_empty());
        insert(&mut ready, "light", 0, (0, 1), OLD_MS + 1);
        insert(&mut ready, "long", 0, (0, 5), OLD_MS + 2);
        insert(&mut ready, "urgent", 0, (1, 0), OLD_MS + 3);
        insert(&mut ready, "old", 0, (0, 0), OLD_MS);
        insert(&mut ready, "older", 0, (0, 0), OLD_MS - 1);
        assert!(!ready.is_empty());
        assert_eq!(order(&ready), "older old urgent long light");
    }

    #[test]
    fn the_greatest_weight_of_its_causes_counts() {
        for (first, second) in [((0, 1), (0, 9)), ((0, 9), (0, 1))] {
            let mut ready = Ready::default();
            insert(&mut ready, "a", 0, (0, 5), OLD_MS + 1);
            insert(&mut ready, "b", 0, first, OLD_MS + 1);
            insert(&mut ready, "b", 1, second, OLD_MS + 1);
            assert_eq!(order(&ready), "b a", "{first:?}, then {second:?}");
        }
    }

    #[test]
    fn a_stack_that_waits_anew_is_young() {
        let mut ready = Ready::default();
        insert(&mut ready, "old", 0, (0, 1), OLD_MS);
        insert(&mut ready, "long", 0, (0, 5), OLD_MS + 1);
        assert_eq!(order(&ready), "old long");
        ready.wait_anew(&id("old"), OLD_MS + 2);
        assert_eq!(order(&ready), "long old");
    }

    #[test]
    fn a_cause_is_known_as_long_as_a_stack_is_ready_for_it() {
        let mut ready = Ready::default();
        insert(&mut ready, "a", 7, (0, 1), 1);
        insert(&mut ready, "b", 7, (0, 1), 1);
        insert(&mut ready, "b", 7, (0, 1), 1);
        insert(&mut ready, "b", 9, (0, 1), 1);
        let causes = |ready: &Ready| ready.all_causes().collect::<Vec<_>>();
        assert_eq!(causes(&ready), [7, 9]);
        assert_eq!(ready.causes(&id("b")).collect::<Vec<_>>(), [7, 9]);
        ready.remove(&id("a"), 7);
        ready.remove(&id("a"), 7);
        assert!(ready.has_cause(7) && causes(&ready) == [7, 9]);
        ready.remove(&id("b"), 7);
        assert!(!ready.has_cause(7) && causes(&ready) == [9]);
        assert_eq!(ready.remove_cause(7), []);
        assert_eq!(ready.remove_cause(9), [id("b")]);
        assert!(ready.is_empty() && order(&ready).is_empty());
    }
}
