//! Handles the outcome of an attempt.

use super::cause::{CauseNumber, Standing};
use super::message::{Decision, Effect};
use super::stack::{Held, HeldSince, Phase, Seen, UsedRun};
use super::standing::EndedBy;
use super::{REMEMBERED_MS, Schedule};
use crate::attempt::{AttemptOutcome, Hold, HoldKind, RunFacts};
use crate::commit::ChosenBecause;
use crate::record::StackChange;
use crate::{ChainId, Reason, ReasonCode, StackId};

/// A run that an attempt found or triggered.
struct FoundRun {
    run: RunFacts,
    made: bool,
    chains: Vec<ChainId>,
    behind: bool,
    chosen: Option<ChosenBecause>,
    /// A lost schedule began the attempt, and may already have received the end of the run.
    by_lost: bool,
    /// Why it is ended unless a chain needs it.
    stop: Option<Reason>,
}

impl Schedule {
    pub(super) fn attempted(&mut self, stack: &StackId, outcome: AttemptOutcome) {
        let known = self.state.stacks.entry(stack.clone()).or_default();
        let attempt = known.attempt.take();
        let lifted = std::mem::take(&mut known.lifted);
        let early_ends = std::mem::take(&mut known.early_ends);
        let mut stop = known.stop_attempt.take();
        let mut stops_for = std::mem::take(&mut known.stop_attempt_for);
        self.note_activity(stack);
        let is_expected = attempt.is_some();
        let by_lost = attempt.as_ref().is_none_or(Vec::is_empty);
        let tried_for = attempt.unwrap_or_default();
        // What was reported about unfinished runs during the attempt, which may have triggered them.
        let is_unfinished = |word: &&RunFacts| !word.state.is_terminal();
        let moves: Vec<RunFacts> = early_ends.iter().filter(is_unfinished).cloned().collect();
        let mut causes = tried_for.clone();
        causes.retain(|number| self.standing(*number, stack) == Standing::Due);
        match outcome {
            AttemptOutcome::Run {
                run,
                made,
                chains,
                behind,
                chosen,
            } => {
                if let Some(chain) = chains.first()
                    && chains.iter().all(|chain| stops_for.contains_key(chain))
                {
                    stop = stops_for.remove(chain);
                }
                let found = FoundRun {
                    run,
                    made,
                    chains,
                    behind,
                    chosen,
                    by_lost,
                    stop,
                };
                self.found(stack, &causes, found, early_ends);
            }
            // An earlier schedule began this attempt, which had no result.
            _ if !is_expected => {}
            AttemptOutcome::Held { hold, again_in_ms } => {
                self.understood(stack);
                let again_in_ms = if lifted { Some(0) } else { again_in_ms };
                self.held(stack, &causes, hold, again_in_ms);
            }
            AttemptOutcome::Disabled => {
                self.understood(stack);
                for number in causes {
                    let why = Reason::new(ReasonCode::Disabled, "it was disabled meanwhile");
                    self.skip(number, stack, why, &EndedBy::default());
                }
            }
            AttemptOutcome::NotVisible => {
                let text = "it is not visible to our key, or does not exist any more";
                self.troubled(stack, &causes, ReasonCode::NotVisible, text, None);
            }
            AttemptOutcome::Refused { message } => {
                self.understood(stack);
                self.was_refused(stack, &causes, &message);
            }
            AttemptOutcome::Trouble {
                message,
                in_doubt,
                again_in_ms,
            } => {
                if in_doubt {
                    self.doubt(stack, &tried_for, stop);
                }
                let text = format!("its run could not be triggered: {message}");
                self.troubled(stack, &causes, ReasonCode::TriggerFailed, &text, again_in_ms);
            }
        }
        for run in moves {
            self.run_moved(stack, &run);
        }
        // The causes of the attempt may have been cancelled meanwhile.
        self.forget_wait_unless_ready(stack);
    }

    fn understood(&mut self, stack: &StackId) {
        if let Some(known) = self.state.stacks.get_mut(stack) {
            known.forget_trouble();
        }
    }

    /// An attempt for these causes may have triggered a run. After a loss of the schedule, the causes are not known.
    /// The run is ended once it is known, if there is a reason to stop it.
    pub(super) fn doubt(&mut self, stack: &StackId, causes: &[CauseNumber], stop: Option<Reason>) {
        let now_ms = self.now_ms;
        if let Some(known) = self.state.stacks.get_mut(stack) {
            known.begin_doubt(causes, stop, now_ms);
            self.touched.insert(stack.clone());
            self.note_deadline(now_ms.saturating_add(REMEMBERED_MS));
        }
    }

    fn found(&mut self, stack: &StackId, causes: &[CauseNumber], found: FoundRun, early_ends: Vec<RunFacts>) {
        let FoundRun {
            run,
            made,
            chains,
            behind,
            chosen,
            by_lost,
            stop,
        } = found;
        let (own_end, other_ends): (Vec<_>, Vec<_>) =
            early_ends.into_iter().partition(|end| end.id == run.id);
        for end in other_ends.into_iter().filter(|end| end.state.succeeded()) {
            let (stack, run) = (stack.clone(), end.id);
            self.log(Decision::NotARoot { stack, run });
        }
        let served = self.due_causes_named(stack, &chains);
        let is_new = run.ours && !self.state.own_runs.contains(stack, &run.id);
        // It may be the run of an earlier attempt, whose chains were cancelled with their runs.
        let doubted = self
            .state
            .stacks
            .get(stack)
            .and_then(|known| known.doubt.as_ref());
        let doubted = doubted.filter(|_| is_new && !made);
        let stop = stop.or_else(|| doubted?.stop.clone());
        let stop = stop.and_then(|why| self.stop_unneeded(stack, &run, &served, why));
        let has_end = self.state.ends.contains_key(&run.id);
        let end = own_end
            .into_iter()
            .find(|word| word.state.is_terminal())
            .or_else(|| run.state.is_terminal().then(|| run.clone()));
        let seen = Seen {
            phase: Phase::of(&run, behind),
            at_ms: self.now_ms,
        };
        if run.ours {
            self.state.own_runs.remember(stack, &run.id, self.now_ms);
        }
        let Some(known) = self.state.stacks.get_mut(stack) else {
            return;
        };
        known.forget_tries();
        // A run that this attempt triggered says nothing about an earlier one, whose run may still appear. After a loss, the
        // doubt is about the attempt itself.
        known.settle_doubt(is_new && (!made || by_lost), causes, self.now_ms);
        let is_other_used = known.run.as_ref().is_some_and(|used| used.run != run.id);
        let is_needed = run.ours || !served.is_empty();
        if is_other_used || !is_needed {
            // The stack is busy with it. If causes wait for the run, the next look finds it.
            if end.is_none() && !has_end {
                known.others.insert(run.id, seen);
            }
            self.note_activity(stack);
            return;
        }
        let is_reported = known.others.remove(&run.id).is_some() || !by_lost;
        let new = || UsedRun::new(run.id.clone(), made || run.ours, seen);
        let used = known.run.get_or_insert_with(new);
        used.causes.extend(&served);
        used.stop = used.stop.take().or(stop);
        self.note_activity(stack);
        let commit = run.commit.as_ref().map(|commit| commit.sha.clone());
        self.log(Decision::Triggered {
            stack: stack.clone(),
            run: run.id.clone(),
            made,
            chains,
            commit: commit.clone(),
            why: chosen.clone(),
        });
        self.note_deadlines_of(stack);
        let serves_none = served.is_empty();
        for number in served {
            let began = StackChange::Began {
                run: run.id.clone(),
                // This includes runs of an uncertain trigger: after a loss, the record has to know to which chain they
                // belong.
                made: made || run.ours,
                commit: commit.clone(),
                why: chosen.clone(),
            };
            self.begin(number, stack, began);
        }
        match end {
            Some(end) => {
                self.finish_run(stack, &end);
                self.expect_root(stack, &end);
                // The next look would find the same at once.
                if serves_none && self.ready.causes(stack).next().is_some() {
                    let text = format!("its run {} is over, and serves no chain", end.id);
                    self.held(stack, causes, Hold::new(HoldKind::Trouble, text), None);
                }
            }
            // The end was reported, or may have been, when nothing waited for it.
            None if has_end || !is_reported => self.state.effects.push(Effect::Look {
                stack: stack.clone(),
                run: run.id,
            }),
            None => {}
        }
    }

    /// Ends a run of ours whose chain was cancelled with its runs, unless it serves another chain.
    fn stop_unneeded(
        &mut self,
        stack: &StackId,
        run: &RunFacts,
        served: &[CauseNumber],
        why: Reason,
    ) -> Option<Reason> {
        let used = self.state.stacks.get(stack).and_then(|known| known.run.as_ref());
        let is_used = used.is_some_and(|used| used.run == run.id && !used.causes.is_empty());
        if is_used || !served.is_empty() || !run.ours || run.state.is_terminal() {
            return None;
        }
        self.state.effects.push(Effect::Stop {
            stack: stack.clone(),
            run: run.id.clone(),
            why: why.clone(),
        });
        Some(why)
    }

    /// By name: an earlier schedule may have begun the attempt, with other numbers for the causes.
    fn due_causes_named(&self, stack: &StackId, chains: &[ChainId]) -> Vec<CauseNumber> {
        let mut due = self.causes_with(stack, &[Standing::Due]);
        due.retain(|number| {
            let cause = self.state.causes.get(number);
            cause.is_some_and(|cause| chains.contains(&cause.chain))
        });
        due
    }

    /// A look found that somebody else's run ended before the end was reported. The report will make it a root. Until
    /// then the stack counts as busy, so that its downstream waits for that cause, too.
    fn expect_root(&mut self, stack: &StackId, end: &RunFacts) {
        let since_s = self.state.knows_since_s.max((self.now_ms - REMEMBERED_MS) / 1000);
        let is_expected = !end.ours && !self.state.ends.contains_key(&end.id) && end.changed_at_s >= since_s;
        let seen = Seen {
            phase: Phase::Working,
            at_ms: self.now_ms,
        };
        if let Some(known) = self.state.stacks.get_mut(stack).filter(|_| is_expected) {
            known.others.insert(end.id.clone(), seen);
            self.note_activity(stack);
        }
    }

    fn held(&mut self, stack: &StackId, causes: &[CauseNumber], hold: Hold, again_in_ms: Option<i64>) {
        let pause_ms = match (again_in_ms, hold.kind) {
            (Some(pause_ms), _) => pause_ms,
            (None, HoldKind::Conflict) => self.state.settings.longest_pause_ms,
            (None, _) => self.pause_ms(stack),
        };
        let not_waited_for = match hold.kind {
            HoldKind::Lock | HoldKind::Guard | HoldKind::Halt | HoldKind::Conflict | HoldKind::Freeze => true,
            HoldKind::Trouble | HoldKind::Refused => again_in_ms.is_some(),
            HoldKind::Retry => false,
        };
        let Some(known) = self.state.stacks.get_mut(stack) else {
            return;
        };
        known.tries = known.tries.saturating_add(1);
        let now_ms = self.now_ms;
        let since = known.held_since.take().filter(|since| since.kind == hold.kind);
        known.held_since = Some(HeldSince {
            kind: hold.kind,
            text: hold.text.clone(),
            at_ms: since.map_or(now_ms, |since| since.at_ms),
        });
        let reported = Some((hold.text.clone(), causes.to_vec()));
        let was_reported = known.reported_hold == reported;
        known.reported_hold = reported;
        known.hold = Some(Held {
            hold: hold.clone(),
            again_at_ms: self.now_ms.saturating_add(pause_ms.max(0)),
            not_waited_for,
        });
        for number in causes.iter().filter(|_| !was_reported) {
            let note = Some(hold.text.clone());
            self.report_change(*number, stack, StackChange::Waits { note });
        }
        self.note_deadlines_of(stack);
        self.log(Decision::Held {
            stack: stack.clone(),
            hold,
        });
    }

    /// Each pause is twice as long as the one before.
    fn pause_ms(&self, stack: &StackId) -> i64 {
        let tries = self.state.stacks.get(stack).map_or(0, |known| known.tries);
        let settings = &self.state.settings;
        let doubled = settings.backoff_ms.saturating_mul(1 << tries.min(20));
        doubled.min(settings.longest_pause_ms)
    }

    fn was_refused(&mut self, stack: &StackId, causes: &[CauseNumber], message: &str) {
        let attempts = self.state.settings.trigger_attempts;
        let Some(known) = self.state.stacks.get_mut(stack) else {
            return;
        };
        known.refusals += 1;
        let text = format!("Spacelift refuses to run it: {message}");
        if known.refusals >= attempts {
            self.give_up(stack, causes, &Reason::new(ReasonCode::TriggerRefused, text));
        } else {
            self.held(stack, causes, Hold::new(HoldKind::Refused, text), None);
        }
    }

    fn troubled(
        &mut self,
        stack: &StackId,
        causes: &[CauseNumber],
        code: ReasonCode,
        text: &str,
        again_in_ms: Option<i64>,
    ) {
        let patience_ms = self.state.settings.trigger_patience_ms;
        let longest_pause_ms = self.state.settings.longest_pause_ms;
        let now_ms = self.now_ms;
        let Some(known) = self.state.stacks.get_mut(stack) else {
            return;
        };
        // Time in which nothing was tried does not count: a halt, a pause, a worker that was away.
        let idle_ms = known.trouble_again_ms.map_or(0, |again_ms| now_ms - again_ms);
        if let Some(since_ms) = known
            .trouble_since_ms
            .as_mut()
            .filter(|_| idle_ms > longest_pause_ms)
        {
            *since_ms += idle_ms;
        }
        let since_ms = *known.trouble_since_ms.get_or_insert(now_ms);
        if now_ms - since_ms >= patience_ms {
            self.give_up(stack, causes, &Reason::new(code, text));
        } else {
            let text = format!("{text}; it is retried");
            self.held(stack, causes, Hold::new(HoldKind::Trouble, text), again_in_ms);
            if let Some(known) = self.state.stacks.get_mut(stack) {
                known.trouble_again_ms = known.hold.as_ref().map(|held| held.again_at_ms);
            }
        }
    }

    fn give_up(&mut self, stack: &StackId, causes: &[CauseNumber], why: &Reason) {
        if let Some(known) = self.state.stacks.get_mut(stack) {
            known.forget_tries();
        }
        for number in causes {
            self.fail(*number, stack, why.clone(), &EndedBy::default());
        }
    }
}
