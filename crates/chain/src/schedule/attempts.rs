//! Decides which stacks are tried now.

use super::Schedule;
use super::cause::{Cause, CauseNumber};
use super::message::{Decision, Effect};
use super::stack::Phase;
use crate::StackId;
use crate::attempt::{AttemptRequest, Need};

/// Stacks that have been ready for this long go before those with the longest path to the end.
const OLD_MS: i64 = 900_000;

/// How long a run can wait for a worker before it stops taking a slot.
const READY_KEEPS_SLOT_MS: i64 = 900_000;

impl Schedule {
    /// Starts as many attempts as there are free slots.
    pub(super) fn start_attempts(&mut self) {
        if self.has_conflict() {
            return;
        }
        // Without a listing, neither the upstreams nor the runs without a person are known.
        if self.state.halted_by.is_some() || self.ready.is_empty() || self.state.listing.is_none() {
            return;
        }
        let mut free = self.count_slots();
        if free == 0 || self.is_every_chain_full() {
            return;
        }
        let moving = self.moving_upstream();
        let old_ms = self.now_ms - OLD_MS;
        let mut turn = self.ready.turn_after(None, old_ms);
        while let Some(now) = turn {
            let stack = now.stack().clone();
            if let Some(causes) = self.causes_to_try(&stack)
                && !causes.iter().any(|number| self.is_full(*number))
                && !self.waits_for_others(&stack, moving.as_ref())
            {
                self.try_stack(&stack, causes);
                free -= 1;
                if free == 0 || self.is_every_chain_full() {
                    return;
                }
            }
            turn = self.ready.turn_after(Some(&now), old_ms);
        }
    }

    /// The causes for which a stack can be tried now. `None` if there are none, or if it has to wait.
    fn causes_to_try(&mut self, stack: &StackId) -> Option<Vec<CauseNumber>> {
        let known = self.state.stacks.get(stack)?;
        if known.is_active()
            || self
                .ready
                .causes(stack)
                .any(|number| self.opening.contains(&number))
        {
            return None;
        }
        let again_at_ms = known.hold.as_ref().map(|held| held.again_at_ms);
        if let Some(again_at_ms) = again_at_ms.filter(|again_at_ms| *again_at_ms > self.now_ms) {
            self.wake_at(again_at_ms);
            return None;
        }
        let causes: Vec<CauseNumber> = self
            .ready
            .causes(stack)
            .filter(|number| self.state.causes.get(number).is_some_and(Cause::may_start))
            .collect();
        (!causes.is_empty()).then_some(causes)
    }

    /// Counts the runs of ours that take a slot, for each chain, and returns how many more can be started.
    fn count_slots(&mut self) -> usize {
        for cause in self.state.causes.values_mut() {
            if let Some(plan) = &mut cause.plan {
                plan.slots = 0;
            }
        }
        let mut taken = 0;
        let mut frees_at_ms = None;
        for id in &self.active {
            let Some(stack) = self.state.stacks.get(id) else {
                continue;
            };
            let causes = match (&stack.attempt, &stack.run) {
                (Some(causes), _) => causes,
                (None, Some(used)) if used.made => {
                    let until_ms = keeps_slot_until_ms(used.seen.phase);
                    if until_ms.is_some_and(|until_ms| until_ms <= self.now_ms) {
                        continue;
                    }
                    frees_at_ms = frees_at_ms.into_iter().chain(until_ms).min();
                    &used.causes
                }
                _ => continue,
            };
            taken += 1;
            for number in causes {
                if let Some(plan) = self
                    .state
                    .causes
                    .get_mut(number)
                    .and_then(|cause| cause.plan.as_mut())
                {
                    plan.slots += 1;
                }
            }
        }
        if let Some(at_ms) = frees_at_ms {
            self.wake_at(at_ms);
        }
        (self.state.settings.parallel_runs_of_account.get() as usize).saturating_sub(taken)
    }

    fn is_full(&self, number: CauseNumber) -> bool {
        self.plan_of(number)
            .is_some_and(|plan| plan.slots >= plan.settings.parallel_runs.get())
    }

    fn is_every_chain_full(&self) -> bool {
        self.ready.all_causes().all(|number| self.is_full(number))
    }

    fn try_stack(&mut self, stack: &StackId, causes: Vec<CauseNumber>) {
        for number in &causes {
            if let Some(plan) = self.plan_of_mut(*number) {
                plan.slots += 1;
            }
        }
        let Some(known) = self.state.stacks.get(stack) else {
            return;
        };
        let doubted = known.open_doubt().map(|doubt| &doubt.causes);
        let needs: Vec<Need> = causes
            .iter()
            .filter_map(|number| {
                // After a loss, nobody knows which causes the attempt was for.
                let is_new = doubted.is_some_and(|doubted| !doubted.is_empty() && !doubted.contains(number));
                self.need(*number, stack, is_new)
            })
            .collect();
        let request = AttemptRequest {
            account: self.state.account.clone(),
            stack: stack.clone(),
            decided_at_ms: self.now_ms,
            needs,
            in_doubt: doubted.is_some(),
            known_runs: self.state.own_runs.of(stack),
            automatic: self.automatic(stack),
            ignore_guard: known.ignore_guard,
            run_retries: self.run_retries(&causes, stack),
        };
        if let Some(known) = self.state.stacks.get_mut(stack) {
            known.attempt = Some(causes);
            known.hold = None;
        }
        self.active.insert(stack.clone());
        self.log(Decision::Attempt {
            stack: stack.clone(),
            chains: request.needs.iter().map(|need| need.chain.clone()).collect(),
        });
        self.state.effects.push(Effect::Attempt(request));
    }

    fn need(&self, number: CauseNumber, stack: &StackId, new_since_doubt: bool) -> Option<Need> {
        let cause = self.state.causes.get(&number)?;
        Some(Need {
            chain: cause.chain.clone(),
            ready_at_s: self.ready_at_s(number, stack)?,
            wanted: cause.wanted().filter(|_| cause.root.stack != *stack),
            new_since_doubt,
        })
    }

    /// Who triggers runs of a stack without a person.
    fn automatic(&self, stack: &StackId) -> Vec<String> {
        let Some(listing) = &self.state.listing else {
            return Vec::new();
        };
        let native = listing.native_upstream.get(stack);
        native
            .into_iter()
            .flatten()
            .chain(&listing.policies)
            .cloned()
            .collect()
    }
}

/// Until when a run of ours takes a slot, if known. `None` means until it ends, and a moment in the past means that it
/// takes none.
fn keeps_slot_until_ms(phase: Phase) -> Option<i64> {
    match phase {
        Phase::Working | Phase::Applying => None,
        Phase::Ready { since_s } => Some(since_s.saturating_mul(1000).saturating_add(READY_KEEPS_SLOT_MS)),
        Phase::Behind | Phase::WaitsForPerson => Some(i64::MIN),
    }
}

#[cfg(test)]
mod tests {
    use super::{Phase, keeps_slot_until_ms};

    #[test]
    fn a_run_takes_a_slot_while_it_works_and_for_a_quarter_of_an_hour_without_a_worker() {
        for (phase, until_ms) in [
            (Phase::Working, None),
            (Phase::Applying, None),
            (Phase::Ready { since_s: 100 }, Some(1_000_000)),
            (Phase::Behind, Some(i64::MIN)),
            (Phase::WaitsForPerson, Some(i64::MIN)),
        ] {
            assert_eq!(keeps_slot_until_ms(phase), until_ms, "{phase:?}");
        }
    }
}
