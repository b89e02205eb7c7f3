//! What must hold while the schedule has nothing to decide, and at the end.

use chain::RunState;
use chain::schedule::Event;

use super::{Checked, Oracle};
use crate::schedule::host::Entry;
use crate::schedule::world::By;

impl Oracle<'_> {
    /// Nothing is forgotten: a stack that has been ready for long enough runs, or there is a reason.
    pub(super) fn idle(&mut self) -> Checked {
        let limit = self.host.settings.parallel_runs_of_account.get() as usize;
        let limit = limit.min(self.host.settings.chain.parallel_runs.get() as usize);
        let is_full = self.attempts.len() + self.busy.len() >= limit;
        let is_excused = self.halted || self.rebuilding || is_full;
        for (stack, since_ms) in &self.ready_since {
            let direct_is_busy = self
                .busy
                .values()
                .any(|(of, _)| self.upstream[stack].contains(of));
            if is_excused
                || direct_is_busy
                || self.attempts.contains_key(stack)
                || self.used.contains_key(stack)
                || self.held.contains_key(stack)
                || self.ready_for(stack).is_empty()
            {
                self.excused_ms.insert(stack.clone(), self.now_ms);
                continue;
            }
            let excused_ms = self.excused_ms.get(stack).copied().unwrap_or(0);
            let since_ms = (since_ms + self.host.settings.join_wait_ms).max(excused_ms);
            let waited_ms = self.now_ms - since_ms;
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
