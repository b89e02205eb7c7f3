//! All runs of the account, in order of creation. An index, once given, stays a run's own.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Index, IndexMut};

use chain::RunId;

use crate::model::run::Run;

#[derive(Debug, Default)]
pub(crate) struct Runs {
    all: Vec<Run>,
    by_id: BTreeMap<RunId, usize>,
    /// The runs that are not over.
    active: BTreeSet<usize>,
}

impl Runs {
    pub(crate) fn add(&mut self, run: Run) -> usize {
        let index = self.all.len();
        self.by_id.insert(run.id.clone(), index);
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
