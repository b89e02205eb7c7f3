//! What happens to a stack in one cause, and what that means for its dependents.

use std::collections::BTreeSet;

use super::Schedule;
use super::cause::{CauseNumber, Standing};
use crate::record::{Change, Outcome, StackChange};
use crate::{CommitSha, Reason, ReasonCode, RunId, StackId};

/// From which second on a run that begins repairs a failed stack: from the end of the run that failed. If there was none,
/// the run has to begin after everything upstream had ended, which is certain only in a later second.
pub(super) fn repairable_since_s(failed_run_ended_s: Option<i64>, ready_s: i64) -> i64 {
    failed_run_ended_s.unwrap_or(ready_s + 1)
}

/// The run with which a stack ended in a cause.
#[derive(Debug, Clone, Default)]
pub(super) struct EndedBy {
    pub(super) run: Option<RunId>,
    pub(super) commit: Option<CommitSha>,
    pub(super) ended_at_s: Option<i64>,
    /// Whether the run changed any resource, if known.
    pub(super) changed: Option<bool>,
    /// By whom and why it was counted as done without a run.
    pub(super) by_hand: Option<Reason>,
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

    /// The causes in which a stack has one of these standings.
    pub(super) fn causes_with(&self, stack: &StackId, standings: &[Standing]) -> Vec<CauseNumber> {
        self.state
            .causes
            .keys()
            .copied()
            .filter(|&number| standings.contains(&self.standing(number, stack)))
            .collect()
    }

    pub(super) fn index(&self, number: CauseNumber, stack: &StackId) -> Option<u32> {
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

    pub(super) fn report_change(&mut self, number: CauseNumber, stack: &StackId, change: StackChange) {
        let at_ms = self.now_ms;
        self.add_change(
            number,
            Change::Stack {
                stack: stack.clone(),
                change,
                at_ms,
            },
        );
    }

    pub(super) fn report_end(
        &mut self,
        number: CauseNumber,
        stack: &StackId,
        outcome: Outcome,
        by: &EndedBy,
    ) {
        self.report_change(
            number,
            stack,
            StackChange::Ended {
                outcome,
                run: by.run.clone(),
                commit: by.commit.clone(),
                ended_at_s: by.ended_at_s,
                by_hand: by.by_hand.clone(),
            },
        );
    }

    /// A run exists that is to serve the cause.
    pub(super) fn begin(&mut self, number: CauseNumber, stack: &StackId, began: StackChange) {
        if let Some(at) = self.index(number, stack) {
            self.set(number, at, Standing::Running);
            self.unset_ready(number, stack);
            self.wait_anew(stack);
            self.report_change(number, stack, began);
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
    pub(super) fn stopped(&self, number: CauseNumber) -> Option<Reason> {
        self.state.causes.get(&number)?.stopped.clone()
    }

    /// The run did not serve the cause, which needs another one.
    pub(super) fn make_due_again(&mut self, number: CauseNumber, stack: &StackId, why: &str) {
        if let Some(stopped) = self.stopped(number) {
            self.skip(number, stack, stopped, &EndedBy::default());
        } else if let Some(at) = self.index(number, stack) {
            self.set(number, at, Standing::Due);
            self.report_change(number, stack, StackChange::DueAgain { why: why.to_owned() });
            self.set_ready_again(number, at);
        }
    }

    /// The stack is due again. An upstream may have become due again meanwhile.
    pub(super) fn set_ready_again(&mut self, number: CauseNumber, at: u32) {
        if self.is_ready(number, at) {
            self.set_ready(number, at);
        }
    }

    /// The cause needs nothing more from the stack.
    pub(super) fn serve(&mut self, number: CauseNumber, stack: &StackId, by: &EndedBy) {
        let Some(at) = self.index(number, stack) else {
            return;
        };
        if let Some(cause) = self.state.causes.get_mut(&number)
            && cause.root.stack == *stack
        {
            cause.root_ran(by.commit.as_ref());
        }
        let was_failed = self.get(number, at) == Standing::Failed;
        self.note_change(number, at, by.changed.unwrap_or(true));
        self.report_end(number, stack, Outcome::Succeeded, by);
        if self.pass_early(number, at, by.ended_at_s) {
            self.unset_ready(number, stack);
        } else {
            self.over(number, at, Standing::Done, by.ended_at_s);
        }
        if was_failed {
            self.revive_downstream(number, at, by.ended_at_s);
        }
    }

    /// A stack that a person marked as done before its turn is left out: its dependents wait for its upstreams, too.
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

    /// The stack has nothing to do in this cause and blocks nothing.
    pub(super) fn skip(&mut self, number: CauseNumber, stack: &StackId, why: Reason, by: &EndedBy) {
        if let Some(at) = self.index(number, stack) {
            if let Some(changed) = by.changed {
                self.note_change(number, at, changed);
            }
            self.report_end(number, stack, Outcome::Skipped { reason: why }, by);
            self.over(number, at, Standing::Skipped, by.ended_at_s);
        }
    }

    /// A run of the stack ended. What an earlier one changed in this cause counts, too.
    pub(super) fn note_change(&mut self, number: CauseNumber, at: u32, changed: bool) {
        if let Some(plan) = self.plan_of_mut(number).filter(|plan| plan.minds_changes) {
            *plan.changed.entry(at).or_insert(false) |= changed;
        }
    }

    /// The stack need not run.
    pub(super) fn report_let_out(&mut self, number: CauseNumber, stack: &StackId) {
        let why = Reason::new(
            ReasonCode::NoChange,
            "nothing that it depends on in this chain changed any resource",
        );
        self.report_end(
            number,
            stack,
            Outcome::Skipped { reason: why },
            &EndedBy::default(),
        );
    }

    /// The stack is over in the cause, so its dependents may be ready now.
    pub(super) fn over(&mut self, number: CauseNumber, at: u32, standing: Standing, ended_at_s: Option<i64>) {
        self.set(number, at, standing);
        if let Some(stack) = self.topology(number).map(|topology| topology.id(at).clone()) {
            self.unset_ready(number, &stack);
        }
        let mut ready = Vec::new();
        let mut let_out = Vec::new();
        let mut seen = BTreeSet::new();
        let over_at = at;
        let mut open = vec![(at, ended_at_s)];
        while let Some((at, ended_at_s)) = open.pop() {
            let Some(cause) = self.state.causes.get_mut(&number) else {
                return;
            };
            let since_s = cause.since_s();
            let root = &cause.root.stack;
            let Some(plan) = cause.plan.as_mut() else { return };
            let Some(topology) = self.state.topologies.get(&plan.topology) else {
                return;
            };
            let root = topology.index(root);
            if at == over_at && plan.standings.get(at) == Standing::Skipped {
                plan.pass_on_change(at, root, topology);
            }
            let ready_s = plan.ready_at_s(at, since_s);
            match plan.standings.get(at) {
                Standing::Failed if at == over_at => plan
                    .ready_at_s
                    .insert(at, repairable_since_s(ended_at_s, ready_s)),
                // It can be revived.
                Standing::Failed | Standing::SkippedByFailure => None,
                _ => plan.ready_at_s.remove(&at),
            };
            let ended_at_s = ended_at_s.unwrap_or(ready_s);
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
                    Standing::Due if plan.is_let_out(next, root, topology) => {
                        plan.standings.set(next, Standing::Skipped);
                        plan.pass_on_change(next, root, topology);
                        let_out.push(topology.id(next).clone());
                    }
                    Standing::Due => {
                        ready.push(next);
                        continue;
                    }
                    Standing::Passing => {
                        plan.standings.set(next, Standing::Skipped);
                        plan.pass_on_change(next, root, topology);
                    }
                    _ => {}
                }
                if seen.insert(next) {
                    let known = plan.ready_at_s.get(&next).copied();
                    open.push((next, Some(known.unwrap_or(ended_at_s).max(ended_at_s))));
                }
            }
        }
        for stack in let_out {
            // It may have been ready because of a failure that is now repaired.
            self.unset_ready(number, &stack);
            self.report_let_out(number, &stack);
        }
        for next in ready {
            self.set_ready(number, next);
        }
    }
}
