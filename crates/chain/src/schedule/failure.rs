//! What the failure of a stack skips, and what its repair makes due again.

use super::Schedule;
use super::cause::{CauseNumber, Standing};
use super::standing::EndedBy;
use super::topology::Topology;
use crate::record::{Outcome, StackChange};
use crate::{OnFailure, Reason, ReasonCode, StackId};

impl Schedule {
    /// The stack failed in the cause. Its policy, or that of the cause, decides what follows.
    pub(super) fn fail(&mut self, number: CauseNumber, stack: &StackId, why: Reason, by: &EndedBy) {
        let Some(at) = self.index(number, stack) else {
            return;
        };
        let Some(policy) = self.plan_of(number).map(|plan| plan.on_failure(at)) else {
            return;
        };
        self.report_end(number, stack, Outcome::Failed { reason: why }, by);
        let skipped = match policy {
            OnFailure::Continue => Vec::new(),
            OnFailure::SkipDownstream | OnFailure::Stop => self.skip_downstream(number, at, stack),
        };
        self.over(number, at, Standing::Failed, by.ended_at_s);
        self.over_by_failure(number, skipped);
        if policy == OnFailure::Stop {
            let text = format!("the chain stopped when `{stack}` failed");
            self.skip_all_due(number, &Reason::new(ReasonCode::ChainStopped, text));
        }
    }

    /// Skips what is downstream by labels, and returns these stacks.
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
        let why = Reason::new(ReasonCode::UpstreamFailed, format!("`{failed}` failed upstream"));
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

    /// Stacks that wait for skipped ones only because of Spacelift's own dependencies continue.
    pub(super) fn over_by_failure(&mut self, number: CauseNumber, mut skipped: Vec<u32>) {
        let Some(topology) = self.topology(number).filter(|topology| topology.has_native()) else {
            return;
        };
        topology.sort(&mut skipped);

        for at in skipped {
            self.over(number, at, Standing::SkippedByFailure, None);
        }
    }

    /// Everything without a run is skipped in this cause, for good.
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
        self.report_end(number, &stack, outcome, &EndedBy::default());
    }

    fn downstream_by_label(&self, number: CauseNumber, at: u32) -> Vec<u32> {
        self.topology(number)
            .map(|topology| topology.downstream_by_label(at).collect())
            .unwrap_or_default()
    }

    /// Stacks that were skipped because of a repaired failure have to run after all, unless another upstream failed.
    pub(super) fn revive_downstream(&mut self, number: CauseNumber, repaired: u32, ended_at_s: Option<i64>) {
        let is_stopped = self.stopped(number).is_some();
        let Some(topology) = self.topology(number).filter(|_| !is_stopped).cloned() else {
            return;
        };
        let root = self.state.causes.get(&number).map(|cause| &cause.root.stack);
        let root = root.and_then(|root| topology.index(root));
        let why = format!("`{}` was repaired", topology.id(repaired));
        for at in topology.reached_from(repaired) {
            let Some(plan) = self.plan_of_mut(number) else {
                return;
            };
            let standing = plan.standings.get(at);
            if let (
                Standing::Due | Standing::Running | Standing::Passing | Standing::SkippedByFailure,
                Some(ended_at_s),
            ) = (standing, ended_at_s)
            {
                // This includes stacks that waited only natively and continued: a run from before the repair no longer
                // serves them. A run in progress counts, and if it does not serve, the next one begins after the
                // repair.
                let known = plan.ready_at_s.entry(at).or_insert(ended_at_s);
                *known = (*known).max(ended_at_s);
            }
            let is_blocked = topology.upstream(at).iter().any(|&other| {
                topology.is_by_label(other, at)
                    && match plan.standings.get(other) {
                        Standing::Failed => plan.on_failure(other) != OnFailure::Continue,
                        standing => standing == Standing::SkippedByFailure,
                    }
            });
            let is_ready = plan.is_ready(at, &topology);
            let is_let_out = is_ready && plan.is_let_out(at, root, &topology);
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
                self.report_change(number, stack, StackChange::DueAgain { why: why.clone() });
                if is_let_out {
                    self.over(number, at, Standing::Skipped, None);
                    self.report_let_out(number, stack);
                } else if is_ready {
                    self.set_ready(number, at);
                }
            } else if standing == Standing::Due && !is_ready {
                // An upstream is due again.
                self.unset_ready(number, stack);
            }
        }
    }
}
