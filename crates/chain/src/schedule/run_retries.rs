//! Retries failed runs of ours, if the settings or a label say so.

use super::Schedule;
use super::cause::{CauseNumber, Standing};
use super::message::Decision;
use super::stack::Held;
use crate::attempt::{Hold, HoldKind, RunFacts};
use crate::record::StackChange;
use crate::{RunState, StackId};

/// The longest pause before a retry.
const LONGEST_PAUSE_MS: i64 = 1_800_000;

impl Schedule {
    /// How often a run for these causes is retried at most.
    pub(super) fn run_retries(&self, causes: &[CauseNumber], stack: &StackId) -> u32 {
        let retries = causes.iter().filter_map(|number| {
            let at = self.topology(*number)?.index(stack)?;
            Some(self.plan_of(*number)?.retries(at))
        });
        retries.max().unwrap_or(0)
    }

    /// Makes the stack due again after a pause. `false` if the run is not retried: no retries are left, the chain was
    /// stopped, or a person or a policy ended the run.
    pub(super) fn try_run_again(&mut self, number: CauseNumber, stack: &StackId, run: &RunFacts) -> bool {
        if run.state != RunState::Failed {
            return false;
        }
        let is_stopped = self
            .state
            .causes
            .get(&number)
            .is_none_or(|cause| cause.stopped.is_some());
        let Some(at) = self.topology(number).and_then(|topology| topology.index(stack)) else {
            return false;
        };
        let Some(plan) = self.plan_of_mut(number).filter(|_| !is_stopped) else {
            return false;
        };
        let retries = plan.retries(at);
        let tries = plan.tries.entry(at).or_default();
        if *tries >= retries {
            return false;
        }
        *tries += 1;
        let tries = *tries;
        let pause_ms = self.run_retry_pause_ms(tries);
        let note = format!(
            "run {} failed, and is tried again after {} s (retry {tries} of {retries})",
            run.id,
            (pause_ms + 999) / 1000
        );
        self.set(number, at, Standing::Due);
        let change = StackChange::RunFailed {
            run: run.id.clone(),
            note: note.clone(),
        };
        self.report_change(number, stack, change);
        self.set_ready_again(number, at);
        let again_at_ms = self.now_ms.saturating_add(pause_ms);
        let hold = Hold::new(HoldKind::Retry, note);
        self.log(Decision::Held {
            stack: stack.clone(),
            hold: hold.clone(),
        });
        if let Some(known) = self.state.stacks.get_mut(stack) {
            known.hold = Some(Held {
                hold,
                again_at_ms,
                not_waited_for: false,
            });
        }
        true
    }

    /// Each pause is twice as long as the one before.
    fn run_retry_pause_ms(&self, tries: u32) -> i64 {
        let first_ms = self.state.settings.run_retry_pause_ms;
        let doubled = first_ms.saturating_mul(1 << tries.saturating_sub(1).min(20));
        doubled.min(LONGEST_PAUSE_MS)
    }
}
