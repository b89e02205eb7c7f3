//! Waits for other causes: a ready stack waits for upstreams that are due or busy in other causes, so that all causes
//! share one run. The wait is limited, and held stacks are not waited for.

use std::collections::BTreeSet;

use super::Schedule;
use super::cause::Cause;
use super::message::Effect;
use super::stack::{LastWait, Phase, Stack};
use super::topology::Topology;
use crate::StackId;

/// How long the looks at the end of the wait can take.
const LOOKS_MS: i64 = 30_000;

/// How long a look at a run stays valid.
const FRESH_LOOK_MS: i64 = 2_000;

/// For each stack of the newest listing, by number: whether any upstream, however far, is going to run or end.
pub(super) struct MovingUpstream {
    is_below: Vec<bool>,
}

impl Schedule {
    fn newest_topology(&self) -> Option<&Topology> {
        let listing = self.state.listing.as_ref()?;
        self.state.topologies.get(&listing.topology)
    }

    /// `None` if there is nothing to wait for: a single chain knows its own order.
    pub(super) fn moving_upstream(&self) -> Option<MovingUpstream> {
        let topology = self.newest_topology()?;
        let listed = self.state.listing.as_ref().map(|listing| listing.topology);
        let is_alone = match self.state.causes.iter().next() {
            Some((only, cause)) if self.state.causes.len() == 1 => {
                let has_same_order = cause
                    .plan
                    .as_ref()
                    .is_some_and(|plan| Some(plan.topology) == listed);
                // A stack that a person marked as done may have a run nevertheless.
                let is_for_it = |id: &StackId| {
                    let stack = self.state.stacks.get(id);
                    stack.is_none_or(|stack| stack.is_only_for(*only)) && !self.standing(*only, id).is_over()
                };
                has_same_order && self.active.iter().all(is_for_it)
            }
            _ => false,
        };
        if is_alone {
            return None;
        }
        let mut is_below = vec![false; topology.len()];
        let moving = self
            .state
            .stacks
            .iter()
            .filter(|(id, stack)| self.moves(id, stack));
        let moving = moving.map(|(id, _)| id).chain(self.unplanned_roots());
        let mut open: Vec<u32> = moving.filter_map(|id| topology.index(id)).collect();
        while let Some(at) = open.pop() {
            for &next in topology.downstream(at) {
                if !std::mem::replace(&mut is_below[next as usize], true) {
                    open.push(next);
                }
            }
        }
        Some(MovingUpstream { is_below })
    }

    /// A label says that the stack blocks nothing.
    fn is_ignored(&self, id: &StackId) -> bool {
        let listing = self.state.listing.as_ref();
        listing.is_some_and(|listing| listing.ignored.contains(id))
    }

    /// Whether something will happen to a stack without a person.
    fn moves(&self, id: &StackId, stack: &Stack) -> bool {
        if self.is_ignored(id) {
            return false;
        }
        let is_due = || {
            !stack.is_held(self.now_ms)
                && self
                    .ready
                    .causes(id)
                    .any(|number| self.state.causes.get(&number).is_some_and(Cause::may_start))
        };
        stack.attempt.is_some() || stack.has_moving_run() || is_due()
    }

    /// Whether a ready stack waits for an upstream.
    pub(super) fn waits_for_others(&mut self, stack: &StackId, moving: Option<&MovingUpstream>) -> bool {
        let is_below = || {
            let at = self.newest_topology()?.index(stack)?;
            moving?.is_below.get(at as usize).copied()
        };
        if !is_below().unwrap_or(false) {
            return false;
        }
        let since_ms = self
            .state
            .stacks
            .get(stack)
            .and_then(|known| known.ready_since_ms);
        let until_ms = since_ms.unwrap_or(self.now_ms) + self.state.settings.join_wait_ms;
        if self.now_ms < until_ms {
            self.wake_at(until_ms);
            return true;
        }
        self.waits_for_last(stack)
    }

    /// The wait is over. Only applies that are in progress directly upstream are waited for until they end. Fresh looks
    /// find them.
    fn waits_for_last(&mut self, stack: &StackId) -> bool {
        let known = self.state.stacks.get_mut(stack);
        let mut last = match known.and_then(|known| known.last_wait.take()) {
            Some(last) => last,
            None => self.begin_last_wait(stack),
        };
        if !last.looked {
            let is_fresh = |at_ms: i64| at_ms >= last.since_ms - FRESH_LOOK_MS;
            let is_open = last.runs.iter().any(|(upstream, run)| {
                let known = self.state.stacks.get(upstream);
                known
                    .and_then(|known| known.seen(run))
                    .is_some_and(|seen| !is_fresh(seen.at_ms))
            });
            let until_ms = last.since_ms + LOOKS_MS;
            last.looked = !is_open || self.now_ms >= until_ms;
            if last.looked {
                last.runs.retain(|(upstream, run)| {
                    let known = self.state.stacks.get(upstream);
                    known
                        .and_then(|known| known.seen(run))
                        .is_some_and(|seen| seen.phase == Phase::Applying)
                });
            } else {
                self.wake_at(until_ms);
            }
        }
        let waited = last.looked && !last.runs.is_empty();
        last.runs.retain(|(upstream, run)| {
            let known = self.state.stacks.get(upstream);
            known.is_some_and(|known| known.has_run(run))
        });
        if waited && last.runs.is_empty() {
            last.ended_ms = Some(self.now_ms);
        }
        let planned_ms = last.ended_ms.map(|ended_ms| ended_ms + LOOKS_MS);
        let is_planning = planned_ms.is_some_and(|planned_ms| self.now_ms < planned_ms)
            && self
                .direct_upstream(stack)
                .iter()
                .any(|id| self.unplanned_roots().any(|root| root == id));
        if let Some(planned_ms) = planned_ms.filter(|_| is_planning) {
            self.wake_at(planned_ms);
        }
        let waits = !last.looked || !last.runs.is_empty() || is_planning;
        if let Some(known) = self.state.stacks.get_mut(stack) {
            known.last_wait = Some(last);
        }
        waits
    }

    /// Asks about each run directly upstream, unless it was just looked at.
    fn begin_last_wait(&mut self, stack: &StackId) -> LastWait {
        let mut runs = Vec::new();
        for id in self.direct_upstream(stack) {
            if self.is_ignored(&id) {
                continue;
            }
            let Some(known) = self.state.stacks.get(&id) else {
                continue;
            };
            for (run, seen) in known.runs() {
                runs.push((id.clone(), run.clone()));
                if seen.at_ms < self.now_ms - FRESH_LOOK_MS {
                    self.state.effects.push(Effect::Look {
                        stack: id.clone(),
                        run: run.clone(),
                    });
                }
            }
        }
        LastWait {
            since_ms: self.now_ms,
            runs,
            looked: false,
            ended_ms: None,
        }
    }

    fn direct_upstream(&self, stack: &StackId) -> Vec<StackId> {
        let ids = self.newest_topology().and_then(|topology| {
            let at = topology.index(stack)?;
            let ids = topology
                .upstream(at)
                .iter()
                .map(|&other| topology.id(other).clone());
            Some(ids.collect())
        });
        ids.unwrap_or_default()
    }

    /// The upstreams of a stack, however far, that are going to run or end. For people.
    pub(super) fn upstream_that_moves(&self, stack: &StackId) -> Vec<StackId> {
        let Some(topology) = self.newest_topology() else {
            return Vec::new();
        };
        let Some(at) = topology.index(stack) else {
            return Vec::new();
        };
        let unplanned: BTreeSet<&StackId> = self.unplanned_roots().collect();
        let mut seen = vec![false; topology.len()];
        let mut open = topology.upstream(at).to_vec();
        let mut found = Vec::new();
        while let Some(other) = open.pop() {
            if std::mem::replace(&mut seen[other as usize], true) {
                continue;
            }
            open.extend(topology.upstream(other));
            let id = topology.id(other);
            let moves = self
                .state
                .stacks
                .get(id)
                .is_some_and(|known| self.moves(id, known));
            if moves || unplanned.contains(id) {
                found.push(id.clone());
            }
        }
        found.sort();
        found
    }
}
