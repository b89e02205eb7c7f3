//! All runs of the account, in order of creation. An index, once given, stays a run's own.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Index, IndexMut};

use chain::{RunId, RunState, RunType, StackId};

use crate::model::run::Run;

#[derive(Debug, Default)]
pub(crate) struct Runs {
    all: Vec<Run>,
    by_id: BTreeMap<RunId, usize>,
    by_stack: BTreeMap<StackId, Vec<usize>>,
    /// The runs that are not over.
    active: BTreeSet<usize>,
}

impl Runs {
    pub(crate) fn add(&mut self, run: Run) -> usize {
        let index = self.all.len();
        self.by_id.insert(run.id.clone(), index);
        self.by_stack.entry(run.stack.clone()).or_default().push(index);
        self.active.insert(index);
        self.all.push(run);
        index
    }

    pub(crate) fn end(&mut self, index: usize) {
        self.active.remove(&index);
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.all.iter()
    }

    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(&id.parse().ok()?).copied()
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Run> {
        self.all.get(self.find(id)?)
    }

    /// A run of a stack. Runs are requested by both ids, and both must match.
    pub(crate) fn get_of(&self, stack: &str, run: &str) -> Option<&Run> {
        self.get(run).filter(|found| found.stack.as_str() == stack)
    }

    /// The same, by its index.
    pub(crate) fn index_of(&self, stack: &str, run: &str) -> Option<usize> {
        self.find(run)
            .filter(|&index| self.all[index].stack.as_str() == stack)
    }

    /// The runs of a stack, the oldest first.
    pub(crate) fn of_stack(&self, stack: &StackId) -> impl DoubleEndedIterator<Item = &Run> {
        self.indexes_of(stack).iter().map(|&index| &self.all[index])
    }

    /// The runs of a stack that were created before this one, or all of them, the newest first.
    pub(crate) fn of_stack_before(
        &self,
        stack: &StackId,
        before: Option<&str>,
    ) -> impl Iterator<Item = &Run> {
        let end = match before {
            Some(id) => self.find(id).unwrap_or(0),
            None => self.all.len(),
        };
        let older = self
            .indexes_of(stack)
            .iter()
            .rev()
            .filter(move |&&index| index < end);
        older.map(|&index| &self.all[index])
    }

    fn indexes_of(&self, stack: &StackId) -> &[usize] {
        self.by_stack.get(stack).map_or(&[], Vec::as_slice)
    }

    /// A later stack with the same id has no runs.
    pub(crate) fn forget_stack(&mut self, stack: &StackId) {
        self.by_stack.remove(stack);
    }

    pub(crate) fn latest_tracked(&self, stack: &StackId) -> Option<&Run> {
        self.of_stack(stack)
            .rev()
            .find(|run| run.run_type == RunType::Tracked)
    }

    /// The state of a stack: that of its latest tracked run, or `NONE`.
    pub(crate) fn stack_state(&self, stack: &StackId) -> RunState {
        self.latest_tracked(stack)
            .map_or(RunState::None, |run| run.state().clone())
    }

    /// The indexes of the runs that are not over, the oldest first.
    pub(crate) fn active(&self) -> impl Iterator<Item = usize> {
        self.active.iter().copied()
    }

    /// The run that blocks the stack.
    pub(crate) fn blocker(&self, stack: &str) -> Option<usize> {
        self.active().find(|&index| {
            let run = &self.all[index];
            run.stack.as_str() == stack && run.is_under_way()
        })
    }

    /// The upstream runs that a run waits for.
    pub(crate) fn upstream<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = &'a Run> {
        run.waits_for.iter().filter_map(|id| self.get(id.as_str()))
    }
}

impl Index<usize> for Runs {
    type Output = Run;

    fn index(&self, index: usize) -> &Run {
        &self.all[index]
    }
}

impl IndexMut<usize> for Runs {
    fn index_mut(&mut self, index: usize) -> &mut Run {
        &mut self.all[index]
    }
}
