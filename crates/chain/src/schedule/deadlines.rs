//! Handles what takes too long. Runs that are neither confirmed nor applying in time are stopped, and long waits for a
//! person or a lock are reported once.

use std::collections::BTreeSet;

use super::cause::{CauseNumber, Standing};
use super::message::{Decision, Effect};
use super::stack::{Phase, Stack};
use super::waiting::{Waiting, WaitingKind};
use super::{REMEMBERED_MS, Schedule};
use crate::{Reason, ReasonCode, StackId, StackPolicy, policy};

impl Schedule {
    /// Something may be late at this moment.
    pub(super) fn note_deadline(&mut self, at_ms: i64) {
        let earlier = self.next_deadline_ms.is_none_or(|known| at_ms < known);
        if earlier {
            self.next_deadline_ms = Some(at_ms);
        }
    }

    /// A run of the stack began, or the stack is held now.
    pub(super) fn note_deadlines_of(&mut self, stack: &StackId) {
        let timeout_ms = self.timeout_ms(stack);
        for wait_ms in [timeout_ms, Some(self.stuck_after_ms(stack))]
            .into_iter()
            .flatten()
        {
            self.note_deadline(self.now_ms.saturating_add(wait_ms));
        }
    }

    /// Handles everything that is late now.
    pub(super) fn keep_deadlines(&mut self) {
        let Some(at_ms) = self.next_deadline_ms else {
            return;
        };
        if at_ms > self.now_ms {
            return self.wake_at(at_ms);
        }
        self.next_deadline_ms = None;
        self.stop_late_runs();
        self.report_stuck();
        self.note_end_of_doubts();
        if let Some(at_ms) = self.next_deadline_ms {
            self.wake_at(at_ms);
        }
    }

    /// A doubt about which nothing is found is forgotten, after which the schedule may end.
    fn note_end_of_doubts(&mut self) {
        let doubts = self.state.stacks.values().filter_map(Stack::open_doubt);
        let ends = doubts.map(|doubt| doubt.since_ms.saturating_add(REMEMBERED_MS));
        if let Some(end_ms) = ends.filter(|end_ms| *end_ms > self.now_ms).min() {
            self.note_deadline(end_ms);
        }
    }

    fn stop_late_runs(&mut self) {
        let active: Vec<StackId> = self.active.iter().cloned().collect();
        for stack in active {
            let (Some(timeout_ms), Some(known)) =
                (self.timeout_ms(&stack), self.state.stacks.get_mut(&stack))
            else {
                continue;
            };
            let Some(used) = known.run.as_mut().filter(|used| used.made && !used.is_late) else {
                continue;
            };
            let late_ms = used.began_ms.saturating_add(timeout_ms);
            if late_ms > self.now_ms {
                self.note_deadline(late_ms);
                continue;
            }
            used.is_late = true;
            let run = used.run.clone();
            if used.seen.phase == Phase::Applying {
                self.log(Decision::Late { stack, run });
                continue;
            }
            let timeout = policy::duration(u32::try_from(timeout_ms / 1000).unwrap_or(u32::MAX));
            let text =
                format!("run {run} was neither confirmed nor applying within {timeout}, and was ended");
            let why = Reason::new(ReasonCode::Timeout, text);
            used.stop = Some(why.clone());
            self.state.effects.push(Effect::Stop { stack, run, why });
        }
    }

    fn report_stuck(&mut self) {
        // A person or a window decided how long these wait.
        let waits = |waiting: &Waiting| !matches!(waiting.kind, WaitingKind::Freeze | WaitingKind::Pause);
        for waiting in self.waiting().into_iter().filter(waits) {
            let stuck_ms = waiting
                .since_ms
                .saturating_add(self.stuck_after_ms(&waiting.stack));
            if stuck_ms > self.now_ms {
                self.note_deadline(stuck_ms);
                continue;
            }
            if waiting.kind == WaitingKind::Approval {
                if self.note_stuck_approval(&waiting) {
                    self.log(Decision::Stuck {
                        stack: waiting.stack,
                        since_ms: waiting.since_ms,
                        text: waiting.text,
                    });
                }
                continue;
            }
            let Some(known) = self.state.stacks.get_mut(&waiting.stack) else {
                continue;
            };
            if known.stuck_since_ms.replace(waiting.since_ms) != Some(waiting.since_ms) {
                self.log(Decision::Stuck {
                    stack: waiting.stack,
                    since_ms: waiting.since_ms,
                    text: waiting.text,
                });
            }
        }
    }

    /// A chain has waited too long for an approval. `false` if that was already reported.
    fn note_stuck_approval(&mut self, waiting: &Waiting) -> bool {
        let number = waiting.chains.first().and_then(|chain| self.cause_of(chain));
        let cause = number.and_then(|number| self.state.causes.get_mut(&number));
        cause.is_some_and(|cause| cause.stuck_since_ms.replace(waiting.since_ms).is_none())
    }

    /// Stops the runs that we triggered for a cause and that no other cause needs, also those that are not known yet.
    pub(super) fn stop_runs_of(&mut self, number: CauseNumber, why: &Reason) {
        let cause = self.state.causes.get_mut(&number);
        let chain = cause.map(|cause| {
            cause.stops_runs = true;
            cause.chain.clone()
        });
        let is_affected = |(_, known): &(&StackId, &Stack)| known.is_active() || known.doubt.is_some();
        let affected = self.state.stacks.iter().filter(is_affected);
        let affected: Vec<StackId> = affected.map(|(stack, _)| stack.clone()).collect();
        for stack in affected {
            let needing: BTreeSet<CauseNumber> = self
                .causes_with(&stack, &[Standing::Due, Standing::Running])
                .into_iter()
                .filter(|other| {
                    self.state
                        .causes
                        .get(other)
                        .is_some_and(|cause| !cause.stops_runs)
                })
                .collect();
            let Some(known) = self.state.stacks.get_mut(&stack) else {
                continue;
            };
            let is_unneeded = |causes: &[CauseNumber]| {
                causes.contains(&number) && !causes.iter().any(|other| needing.contains(other))
            };
            if known.attempt.as_ref().is_some_and(Vec::is_empty) {
                let cancelled = chain.iter().map(|chain| (chain.clone(), why.clone()));
                known.stop_attempt_for.extend(cancelled);
            }
            if known.attempt.as_ref().is_some_and(|causes| is_unneeded(causes)) {
                known.stop_attempt = Some(why.clone());
            }
            if let Some(doubt) = known.doubt.as_mut().filter(|doubt| is_unneeded(&doubt.causes)) {
                doubt.stop = Some(why.clone());
                // One of them may be the doubted one, and what it does may have been reported before.
                let looks = known.others.keys().map(|run| Effect::Look {
                    stack: stack.clone(),
                    run: run.clone(),
                });
                self.state.effects.extend(looks);
            }
            let Some(used) = known
                .run
                .as_mut()
                .filter(|used| used.made && is_unneeded(&used.causes))
            else {
                continue;
            };
            used.stop = Some(why.clone());
            let run = used.run.clone();
            let why = why.clone();
            self.state.effects.push(Effect::Stop { stack, run, why });
        }
    }

    fn timeout_ms(&self, stack: &StackId) -> Option<i64> {
        let own = self.least(stack, |policy| policy.timeout_s);
        own.or(self.state.settings.run_timeout_ms)
    }

    fn stuck_after_ms(&self, stack: &StackId) -> i64 {
        let own = self.least(stack, |policy| policy.stuck_after_s);
        own.unwrap_or(self.state.settings.stuck_after_ms)
    }

    /// The smallest value in the labels of the stack, as the causes know them.
    fn least(&self, stack: &StackId, value: impl Fn(&StackPolicy) -> Option<u32>) -> Option<i64> {
        let of_causes = self.state.causes.keys().filter_map(|number| {
            let at = self.topology(*number)?.index(stack)?;
            let seconds = value(self.plan_of(*number)?.policies.get(&at)?)?;
            Some(i64::from(seconds) * 1000)
        });
        of_causes.min()
    }
}
