//! What becomes of a stack for one cause, and what follows from it for those that wait for it.

use std::collections::BTreeSet;

use super::Schedule;
use super::cause::{CauseNumber, Standing};
use super::message::reason;
use super::topology::Topology;
use crate::record::{Change, Outcome, StackChange};
use crate::{CommitSha, OnFailure, Reason, RunId, StackId};

/// The run with which a stack ended for a cause.
#[derive(Debug, Clone, Default)]
pub(super) struct EndedBy {
    pub(super) run: Option<RunId>,
    pub(super) commit: Option<CommitSha>,
    pub(super) ended_at_s: Option<i64>,
}

impl Schedule {
    pub(super) fn standing(&self, number: CauseNumber, stack: &StackId) -> Standing {
        let place = || {
            let plan = self.state.causes.get(&number)?.plan.as_ref()?;
            let at = self.state.topologies.get(&plan.topology)?.index(stack)?;
            Some(plan.standings.get(at))
        };
        place().unwrap_or(Standing::Outside)
    }

    /// The causes for which a stack has one of these standings.
    pub(super) fn causes_with(&self, stack: &StackId, standings: &[Standing]) -> Vec<CauseNumber> {
        self.state
            .causes
            .keys()
            .copied()
            .filter(|&number| standings.contains(&self.standing(number, stack)))
            .collect()
    }

    fn index(&self, number: CauseNumber, stack: &StackId) -> Option<u32> {
        self.topology(number)?.index(stack)
    }

    pub(super) fn set(&mut self, number: CauseNumber, at: u32, standing: Standing) {
        if let Some(plan) = self.plan_of_mut(number) {
            plan.standings.set(at, standing);
        }
    }

    pub(super) fn get(&self, number: CauseNumber, at: u32) -> Standing {
        self.plan_of(number)
            .map_or(Standing::Outside, |plan| plan.standings.get(at))
    }

    pub(super) fn tell_stack(&mut self, number: CauseNumber, stack: &StackId, change: StackChange) {
        let at_ms = self.now_ms;
        self.tell(
            number,
            Change::Stack {
                stack: stack.clone(),
                change,
                at_ms,
            },
        );
    }

    fn tell_end(&mut self, number: CauseNumber, stack: &StackId, outcome: Outcome, by: &EndedBy) {
        self.tell_stack(
            number,
            stack,
            StackChange::Ended {
                outcome,
                run: by.run.clone(),
                commit: by.commit.clone(),
                ended_at_s: by.ended_at_s,
            },
        );
    }

    /// A run is there that is to serve the cause.
    pub(super) fn begin(&mut self, number: CauseNumber, stack: &StackId, began: StackChange) {
        if let Some(at) = self.index(number, stack) {
            self.set(number, at, Standing::Running);
            self.unset_ready(number, stack);
            self.tell_stack(number, stack, began);
        }
    }

    fn is_ready(&self, number: CauseNumber, at: u32) -> bool {
        let plan = self.plan_of(number);
        plan.is_some_and(|plan| {
            let topology = self.state.topologies.get(&plan.topology);
            topology.is_some_and(|topology| plan.is_ready(at, topology))
        })
    }

    /// Why nothing new starts for the cause.
    fn stopped(&self, number: CauseNumber) -> Option<Reason> {
        self.state.causes.get(&number)?.stopped.clone()
    }

    /// The run did not serve the cause, which needs another one.
    pub(super) fn make_due_again(&mut self, number: CauseNumber, stack: &StackId, why: &str) {
        if let Some(stopped) = self.stopped(number) {
            self.skip(number, stack, stopped, &EndedBy::default());
        } else if let Some(at) = self.index(number, stack) {
            self.set(number, at, Standing::Due);
            self.tell_stack(number, stack, StackChange::DueAgain { why: why.to_owned() });
            // Something upstream of it may have been made due again meanwhile.
            if self.is_ready(number, at) {
                self.set_ready(number, at);
            }
        }
    }

    /// The cause has what it needs of the stack.
    pub(super) fn serve(&mut self, number: CauseNumber, stack: &StackId, by: &EndedBy) {
        let Some(at) = self.index(number, stack) else {
            return;
        };
        let was_failed = self.get(number, at) == Standing::Failed;
        self.tell_end(number, stack, Outcome::Succeeded, by);
        if self.pass_early(number, at, by.ended_at_s) {
            self.unset_ready(number, stack);
            return;
        }
        self.over(number, at, Standing::Done, by.ended_at_s);
        if was_failed {
            self.revive_downstream(number, at, by.ended_at_s);
        }
    }

    /// A stack that a person did before its turn is passed over: what waits for it waits for its upstream, too.
    fn pass_early(&mut self, number: CauseNumber, at: u32, ended_at_s: Option<i64>) -> bool {
        let Some(cause) = self.state.causes.get_mut(&number) else {
            return false;
        };
        let since_s = cause.since_s();
        let Some(plan) = cause.plan.as_mut() else {
            return false;
        };
        let topology = self.state.topologies.get(&plan.topology);
        if topology.is_none_or(|topology| plan.is_ready(at, topology)) {
            return false;
        }
        plan.standings.set(at, Standing::Passing);
        plan.passing.insert(at);
        let known = plan.ready_at_s.entry(at).or_insert(since_s);
        *known = (*known).max(ended_at_s.unwrap_or(since_s));
        true
    }

    /// There is nothing to do for the stack in this cause: it holds up nothing.
    pub(super) fn skip(&mut self, number: CauseNumber, stack: &StackId, why: Reason, by: &EndedBy) {
        if let Some(at) = self.index(number, stack) {
            self.tell_end(number, stack, Outcome::Skipped { reason: why }, by);
            self.over(number, at, Standing::Skipped, by.ended_at_s);
        }
    }

    /// The stack failed for the cause, whose policy says what follows.
    pub(super) fn fail(&mut self, number: CauseNumber, stack: &StackId, why: Reason, by: &EndedBy) {
        let Some(at) = self.index(number, stack) else {
            return;
        };
        let Some(policy) = self.plan_of(number).map(|plan| plan.settings.on_failure) else {
            return;
        };
        self.tell_end(number, stack, Outcome::Failed { reason: why }, by);
        let skipped = match policy {
            OnFailure::Continue => Vec::new(),
            OnFailure::SkipDownstream | OnFailure::Stop => self.skip_downstream(number, at, stack),
        };
        self.over(number, at, Standing::Failed, by.ended_at_s);
        self.over_by_failure(number, skipped);
        if policy == OnFailure::Stop {
            let text = format!("the chain stopped when `{stack}` failed");
            self.skip_all_due(number, &reason("chain_stopped", text));
        }
    }

    /// Skips what the labels say is downstream, and says which stacks these are.
    pub(super) fn skip_downstream(
        &mut self,
        number: CauseNumber,
        failed_at: u32,
        failed: &StackId,
    ) -> Vec<u32> {
        let has_native = self.topology(number).is_some_and(Topology::has_native);
        if let Some(plan) = self.plan_of_mut(number) {
            plan.looks_far |= has_native;
        }
        let why = reason("upstream_failed", format!("`{failed}`, upstream of it, failed"));
        let mut open = self.downstream_by_label(number, failed_at);
        let mut skipped = Vec::new();
        while let Some(at) = open.pop() {
            let standing = self.get(number, at);
            if !matches!(standing, Standing::Due | Standing::Passing) {
                continue;
            }
            self.set(number, at, Standing::SkippedByFailure);
            open.extend(self.downstream_by_label(number, at));
            if standing == Standing::Due {
                self.skipped(number, at, &why);
            }
            skipped.push(at);
        }
        skipped
    }

    /// What only Spacelift's own dependencies make wait for stacks that were skipped goes on.
    pub(super) fn over_by_failure(&mut self, number: CauseNumber, mut skipped: Vec<u32>) {
        let Some(topology) = self.topology(number).filter(|topology| topology.has_native()) else {
            return;
        };
        topology.sort(&mut skipped);

        for at in skipped {
            self.over(number, at, Standing::SkippedByFailure, None);
        }
    }

    /// Everything that has no run yet is skipped for this cause, for good.
    pub(super) fn skip_all_due(&mut self, number: CauseNumber, why: &Reason) {
        if let Some(cause) = self.state.causes.get_mut(&number) {
            cause.stopped.get_or_insert_with(|| why.clone());
        }
        let Some(plan) = self.plan_of(number) else {
            return;
        };
        let due: Vec<(u32, Standing)> = plan
            .standings
            .iter()
            .filter(|(_, standing)| matches!(standing, Standing::Due | Standing::Passing))
            .collect();
        for (at, standing) in due {
            self.set(number, at, Standing::Skipped);
            if standing == Standing::Due {
                self.skipped(number, at, why);
            }
        }
    }

    fn skipped(&mut self, number: CauseNumber, at: u32, why: &Reason) {
        let Some(stack) = self.topology(number).map(|topology| topology.id(at).clone()) else {
            return;
        };
        self.unset_ready(number, &stack);
        let outcome = Outcome::Skipped { reason: why.clone() };
        self.tell_end(number, &stack, outcome, &EndedBy::default());
    }

    fn downstream_by_label(&self, number: CauseNumber, at: u32) -> Vec<u32> {
        self.topology(number)
            .map(|topology| topology.downstream_by_label(at).collect())
            .unwrap_or_default()
    }

    /// The stack is over for the cause: what waits for it may be ready now.
    fn over(&mut self, number: CauseNumber, at: u32, standing: Standing, ended_at_s: Option<i64>) {
        self.set(number, at, standing);
        if let Some(stack) = self.topology(number).map(|topology| topology.id(at).clone()) {
            self.unset_ready(number, &stack);
        }
        let mut ready = Vec::new();
        let mut seen = BTreeSet::new();
        let over_at = at;
        let mut open = vec![(at, ended_at_s)];
        while let Some((at, ended_at_s)) = open.pop() {
            let Some(cause) = self.state.causes.get_mut(&number) else {
                return;
            };
            let since_s = cause.since_s();
            let Some(plan) = cause.plan.as_mut() else { return };
            let Some(topology) = self.state.topologies.get(&plan.topology) else {
                return;
            };
            let ended_at_s = ended_at_s.unwrap_or_else(|| plan.ready_at_s(at, since_s));
            match plan.standings.get(at) {
                // A later good run is one that began after this.
                Standing::Failed if at == over_at => plan.ready_at_s.insert(at, ended_at_s),
                // It may be revived.
                Standing::Failed | Standing::SkippedByFailure => None,
                _ => plan.ready_at_s.remove(&at),
            };
            for &next in topology.downstream(at) {
                let standing = plan.standings.get(next);
                match standing {
                    Standing::Due | Standing::Passing | Standing::SkippedByFailure => {
                        let known = plan.ready_at_s.entry(next).or_insert(since_s);
                        *known = (*known).max(ended_at_s);
                    }
                    Standing::Done | Standing::Skipped | Standing::Failed if plan.looks_far => {}
                    _ => continue,
                }
                let is_skipped = standing == Standing::SkippedByFailure;
                if (is_skipped && !plan.looks_far) || !plan.is_ready(next, topology) {
                    continue;
                }
                match standing {
                    Standing::Due => {
                        ready.push(next);
                        continue;
                    }
                    Standing::Passing => plan.standings.set(next, Standing::Skipped),
                    _ => {}
                }
                if seen.insert(next) {
                    let known = plan.ready_at_s.get(&next).copied();
                    open.push((next, Some(known.unwrap_or(ended_at_s).max(ended_at_s))));
                }
            }
        }
        for next in ready {
            self.set_ready(number, next);
        }
    }

    /// What was skipped for a failure that was repaired has to run after all, unless another failure is upstream of it.
    fn revive_downstream(&mut self, number: CauseNumber, repaired: u32, ended_at_s: Option<i64>) {
        let is_stopped = self.stopped(number).is_some();
        let Some(topology) = self.topology(number).filter(|_| !is_stopped).cloned() else {
            return;
        };
        let why = format!("`{}` was repaired", topology.id(repaired));
        for at in topology.reached_from(repaired) {
            let Some(plan) = self.plan_of_mut(number) else {
                return;
            };
            let standing = plan.standings.get(at);
            if let (Standing::Due | Standing::Passing | Standing::SkippedByFailure, Some(ended_at_s)) =
                (standing, ended_at_s)
            {
                // Also what only waited natively, and went on: a run from before the repair serves it no more.
                let known = plan.ready_at_s.entry(at).or_insert(ended_at_s);
                *known = (*known).max(ended_at_s);
            }
            let is_blocked = topology.upstream(at).iter().any(|&other| {
                topology.is_by_label(other, at)
                    && matches!(
                        plan.standings.get(other),
                        Standing::Failed | Standing::SkippedByFailure
                    )
            });
            let is_ready = plan.is_ready(at, &topology);
            let stack = topology.id(at);
            if plan.passing.contains(&at) {
                if !is_blocked && standing.is_over() {
                    plan.standings.set(at, Standing::Passing);
                    if is_ready {
                        self.over(number, at, Standing::Skipped, None);
                    }
                }
            } else if standing == Standing::SkippedByFailure && !is_blocked {
                plan.standings.set(at, Standing::Due);
                self.tell_stack(number, stack, StackChange::DueAgain { why: why.clone() });
                if is_ready {
                    self.set_ready(number, at);
                }
            } else if standing == Standing::Due && !is_ready {
                // Something upstream of it is due again.
                self.unset_ready(number, stack);
            }
        }
    }
}
