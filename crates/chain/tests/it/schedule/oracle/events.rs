//! What the oracle learns from the events of the schedule.

use std::collections::BTreeSet;
use std::rc::Rc;

use chain::attempt::{AttemptOutcome, RunFacts};
use chain::schedule::{Control, Event, Rebuilt};
use chain::{ChainId, ChainRecord, StackId, StackState};

use super::listing::Listing;
use super::{Cause, Checked, Oracle, Place};

impl Oracle<'_> {
    pub(super) fn event(&mut self, event: &Event) -> Checked {
        match event {
            Event::RunBegan { stack, run } if !self.over.contains(run) => {
                self.busy.entry(run.clone()).or_insert((stack.clone(), false));
            }
            Event::RunMoved { run, .. } => {
                let waits = run.waits_for_person().is_some();
                match self.busy.get_mut(&run.id) {
                    Some((_, known)) => *known = waits,
                    None => drop(self.early.insert(run.id.clone(), waits)),
                }
                if waits {
                    self.working.remove(&run.id);
                }
            }
            Event::RunEnded { stack, run } => {
                self.busy.remove(&run.id);
                self.working.remove(&run.id);
                self.over.insert(run.id.clone());
                if self.used.get(stack) == Some(&run.id) {
                    self.used.remove(stack);
                }
            }
            Event::Attempted { stack, outcome } => {
                if let Some(chains) = self.attempts.remove(stack) {
                    self.answered(stack, &chains, outcome)?;
                }
                if let AttemptOutcome::Run { run, .. } = outcome
                    && run.ours
                    && run.state.is_terminal()
                {
                    self.busy.remove(&run.id);
                    self.working.remove(&run.id);
                    self.over.insert(run.id.clone());
                }
                if let AttemptOutcome::Run { run, chains, .. } = outcome
                    && run.began_at_s.is_none()
                {
                    self.begins_for
                        .entry(run.id.clone())
                        .or_default()
                        .extend(chains.iter().cloned());
                }
                if let AttemptOutcome::Run {
                    run, behind, chains, ..
                } = outcome
                    && !self.over.contains(&run.id)
                    && !run.state.is_terminal()
                {
                    let is_due = |chain| {
                        let cause: Option<&Cause> = self.causes.get(chain);
                        let is_due = |cause: &Cause| cause.stacks.get(stack) == Some(&Place::Due);
                        cause.is_some_and(|cause| !cause.cancelled && is_due(cause))
                    };
                    if run.ours || chains.iter().any(is_due) {
                        self.used.insert(stack.clone(), run.id.clone());
                    }
                    self.sees(stack, run);
                    let waits = self.busy[&run.id].1;
                    if run.ours && !behind && !waits {
                        self.working.insert(run.id.clone());
                    }
                }
            }
            Event::Controlled { chain, control, .. } => {
                if let Some(cause) = self.causes.get_mut(chain) {
                    cause.paused = *control == Control::Pause;
                    cause.cancelled |= matches!(control, Control::Cancel | Control::CancelAndStopRuns);
                }
            }
            Event::ChainGone { chain } => {
                if let Some(cause) = self.causes.get_mut(chain) {
                    cause.cancelled = true;
                }
            }
            Event::Listed(listed) => self.listing = Rc::new(Listing::of(listed.graph.stacks())),
            Event::Halted { .. } => self.halted = true,
            Event::Resumed { .. } => self.halted = false,
            Event::Released { stack, .. } => self.is_released(stack),
            Event::Rebuilt(rebuilt) => self.rebuilt(rebuilt),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn sees(&mut self, stack: &StackId, run: &RunFacts) {
        let early = self.early.remove(&run.id);
        let waits = early.unwrap_or_else(|| run.waits_for_person().is_some());
        self.busy.insert(run.id.clone(), (stack.clone(), waits));
    }

    /// Decisions that were not reported are forgotten: the records count.
    fn rebuilt(&mut self, rebuilt: &Rebuilt) {
        self.rebuilding = false;
        self.halted = rebuilt.halted_by.is_some();
        self.attempts = rebuilt
            .attempts
            .iter()
            .map(|stack| (stack.clone(), BTreeSet::new()))
            .collect();
        self.busy.clear();
        self.early.clear();
        self.working.clear();
        self.held.clear();
        self.answers.clear();
        self.gives_up.clear();
        // An attempt from before the loss still knows what a person allowed.
        self.released.retain(|stack, _| self.attempts.contains_key(stack));
        self.released.values_mut().for_each(|surely| *surely = false);
        self.unguarded.clear();
        self.used.clear();
        self.ready_since.clear();
        for (stack, run) in &rebuilt.runs {
            if run.state.is_terminal() {
                self.over.insert(run.id.clone());
            } else {
                self.sees(stack, run);
            }
        }
        let open: BTreeSet<&ChainId> = rebuilt.chains.iter().map(ChainRecord::id).collect();
        self.causes
            .retain(|chain, cause| cause.concluded || open.contains(chain));
        for record in &rebuilt.chains {
            let Some(cause) = self.causes.get_mut(record.id()) else {
                continue;
            };
            cause.paused = record.is_paused();
            cause.cancelled = record.cancelled().is_some();
            cause.ended_s.clear();
            for stack in record.progress() {
                let code = stack
                    .reason
                    .as_ref()
                    .map(|why| why.code.to_string())
                    .unwrap_or_default();
                let place = match (stack.state, &stack.run) {
                    (StackState::Running, Some(run)) => {
                        if !self.over.contains(run) {
                            self.used.insert(stack.id.clone(), run.clone());
                        }
                        Place::Running(run.clone())
                    }
                    (StackState::Succeeded, _) => Place::Done,
                    (StackState::Failed, _) => Place::Failed,
                    (StackState::Skipped, _) => Place::Skipped(code),
                    _ => Place::Due,
                };
                cause.stacks.insert(stack.id.clone(), place);
                cause
                    .ended_s
                    .extend(stack.ended_at_s.map(|at_s| (stack.id.clone(), at_s)));
            }
        }
        self.find_ready();
    }
}
