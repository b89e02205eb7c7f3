//! What must hold while the schedule has nothing to decide, and at the end.

use chain::RunState;
use chain::schedule::Event;

use super::{Checked, Oracle};
use crate::schedule::host::Entry;
use crate::schedule::world::By;

/// Why a stack does not run, and until when that was so.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Excuse {
    until_ms: i64,
    lasts: bool,
}

impl Excuse {
    /// Nothing changes between two moments at which the schedule has nothing to decide.
    fn until_ms(&mut self, lasts: bool, now_ms: i64) -> i64 {
        if lasts || self.lasts {
            self.until_ms = now_ms;
        }
        self.lasts = lasts;
        self.until_ms
    }
}

impl Oracle<'_> {
    /// Nothing is forgotten: a stack that has been ready for long enough runs, or there is a reason.
    pub(super) fn idle(&mut self) -> Checked {
        self.has_given_up()?;
        let limit = self.host.settings.parallel_runs_of_account.get() as usize;
        let limit = limit.min(self.host.settings.chain.parallel_runs.get() as usize);
        let is_full = self.attempts.len() + self.busy.len() >= limit;
        let is_excused = self.halted || self.rebuilding || is_full;
        for (stack, since_ms) in self.ready_since.clone() {
            let is_prevented = is_excused
                || self.attempts.contains_key(&stack)
                || self.used.contains_key(&stack)
                || self.may_be_held(&stack)
                || self.ready_for(&stack).is_empty();
            let prevented = self.prevented.entry(stack.clone()).or_default();
            let prevented_ms = prevented.until_ms(is_prevented, self.now_ms);
            let until_ms = (since_ms + self.host.settings.join_wait_ms).max(prevented_ms);
            let waits = self.may_wait_for_applies(&stack, until_ms);
            let waited = self.waited.entry(stack.clone()).or_default();
            let waited_ms = self.now_ms - waited.until_ms(waits, self.now_ms).max(until_ms);
            law!(
                waited_ms <= 60_000,
                "{stack} could run for {waited_ms} ms, and does not"
            );
        }
        Ok(())
    }

    pub(super) fn at_the_end(&self) -> Checked {
        for (chain, cause) in &self.causes {
            law!(cause.concluded, "{chain} never ended: {:?}", cause.stacks);
        }
        for record in self.host.records.values() {
            law!(
                record.is_over(),
                "the record of {} never ended: {}",
                record.id(),
                record.counts()
            );
            let open = record.progress().iter().find(|stack| !stack.state.is_over());
            law!(open.is_none(), "{open:?} of {} has no outcome", record.id());
        }
        for (_, entry) in &self.host.trace {
            if let Entry::Event(Event::RunEnded { run, .. }) = entry
                && run.state == RunState::Finished
                && !run.drift_detection
                && self.run(&run.id).by != By::Us
            {
                let root = Some(&run.id);
                let is_root = self.causes.values().any(|cause| cause.root_run.as_ref() == root);
                law!(is_root, "{} ended well and is no root", run.id);
            }
        }
        law!(
            self.host.schedule.is_idle(),
            "the schedule is not idle in the end"
        );
        Ok(())
    }
}
