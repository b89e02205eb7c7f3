//! Remembers the runs that we triggered, also those of stacks to which nothing happens any more: an attempt whose worker
//! crashed must not take an earlier run for the one that it triggered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::{RunId, StackId};

const RUNS_MAX: usize = 20;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct OwnRuns(BTreeMap<StackId, Remembered>);

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Remembered {
    /// The latest last.
    runs: Vec<RunId>,
    at_ms: i64,
}

impl OwnRuns {
    pub(super) fn remember(&mut self, stack: &StackId, run: &RunId, now_ms: i64) {
        let known = self.0.entry(stack.clone()).or_default();
        known.at_ms = known.at_ms.max(now_ms);
        if !known.runs.contains(run) {
            known.runs.push(run.clone());
        }
        let surplus = known.runs.len().saturating_sub(RUNS_MAX);
        known.runs.drain(..surplus);
    }

    pub(super) fn contains(&self, stack: &StackId, run: &RunId) -> bool {
        self.0.get(stack).is_some_and(|known| known.runs.contains(run))
    }

    pub(super) fn of(&self, stack: &StackId) -> Vec<RunId> {
        self.0
            .get(stack)
            .map(|known| known.runs.clone())
            .unwrap_or_default()
    }

    /// Forgets stacks that have had no new run since a moment, and that are not needed.
    pub(super) fn forget(&mut self, before_ms: i64, is_needed: impl Fn(&StackId) -> bool) {
        self.0
            .retain(|stack, known| known.at_ms > before_ms || is_needed(stack));
    }
}

impl Schedule {
    /// Takes over what an older version remembered for each stack.
    pub(super) fn remember_older(&mut self) {
        let own_runs = &mut self.state.own_runs;
        for (id, stack) in &mut self.state.stacks {
            let known = std::mem::take(&mut stack.known_runs);
            let used = stack.run.iter().filter(|used| used.made).map(|used| &used.run);
            for run in known.iter().chain(used) {
                if !own_runs.contains(id, run) {
                    own_runs.remember(id, run, 0);
                }
            }
        }
    }
}
