//! What came of an attempt.

use super::cause::{CauseNumber, Standing};
use super::message::{Decision, Effect, reason};
use super::stack::{Doubt, Held, Phase, Seen, UsedRun};
use super::standing::EndedBy;
use super::{REMEMBERED_MS, Schedule};
use crate::attempt::{AttemptOutcome, Hold, HoldKind, RunFacts};
use crate::commit::ChosenBecause;
use crate::record::StackChange;
use crate::{ChainId, StackId};

/// A run that an attempt found or made.
struct FoundRun {
    run: RunFacts,
    made: bool,
    chains: Vec<ChainId>,
    behind: bool,
    chosen: Option<ChosenBecause>,
}

impl Schedule {
    pub(super) fn attempted(&mut self, stack: &StackId, outcome: AttemptOutcome) {
        let known = self.state.stacks.entry(stack.clone()).or_default();
        let attempt = known.attempt.take();
        let early_ends = std::mem::take(&mut known.early_ends);
        self.note_activity(stack);
        let is_expected = attempt.is_some();
        let causes: Vec<CauseNumber> = attempt
            .unwrap_or_default()
            .into_iter()
            .filter(|number| self.standing(*number, stack) == Standing::Due)
            .collect();
        match outcome {
            AttemptOutcome::Run {
                run,
                made,
                chains,
                behind,
                chosen,
            } => {
                let found = FoundRun {
                    run,
                    made,
                    chains,
                    behind,
                    chosen,
                };
                self.found(stack, &causes, found, early_ends);
            }
            // An earlier schedule began this attempt, and it came to nothing.
            _ if !is_expected => {}
            AttemptOutcome::Held { hold, again_in_ms } => {
                self.understood(stack);
                self.held(stack, &causes, hold, again_in_ms);
            }
            AttemptOutcome::Disabled => {
                self.understood(stack);
                for number in causes {
                    let why = reason("disabled", "it was disabled meanwhile");
                    self.skip(number, stack, why, &EndedBy::default());
                }
            }
            AttemptOutcome::NotVisible => {
                let text = "it is not visible to our key, or does not exist any more";
                self.troubled(stack, &causes, "not_visible", text, None);
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
                    self.doubt(stack, &causes);
                }
                let text = format!("its run could not be triggered: {message}");
                self.troubled(stack, &causes, "trigger_failed", &text, again_in_ms);
            }
        }
    }

    /// Spacelift answered: what may pass has passed.
    fn understood(&mut self, stack: &StackId) {
        if let Some(known) = self.state.stacks.get_mut(stack) {
            known.trouble_since_ms = None;
        }
    }

    fn doubt(&mut self, stack: &StackId, causes: &[CauseNumber]) {
        let since_ms = self.now_ms;
        if let Some(known) = self.state.stacks.get_mut(stack) {
            let doubt = known.doubt.get_or_insert(Doubt {
                since_ms,
                causes: Vec::new(),
            });
            doubt.since_ms = since_ms;
            doubt.causes.extend(causes);
            self.touched.insert(stack.clone());
        }
    }

    fn found(&mut self, stack: &StackId, causes: &[CauseNumber], found: FoundRun, early_ends: Vec<RunFacts>) {
        let FoundRun {
            run,
            made,
            chains,
            behind,
            chosen,
        } = found;
        let (own_end, other_ends): (Vec<_>, Vec<_>) =
            early_ends.into_iter().partition(|end| end.id == run.id);
        for end in other_ends.iter().filter(|end| end.state.succeeded()) {
            self.log(Decision::NotARoot {
                stack: stack.clone(),
                run: end.id.clone(),
            });
        }
        // By name, since an earlier schedule may have begun the attempt: causes had other numbers then.
        let served: Vec<CauseNumber> = self
            .causes_with(stack, &[Standing::Due])
            .into_iter()
            .filter(|number| {
                let cause = self.state.causes.get(number);
                cause.is_some_and(|cause| chains.contains(&cause.chain))
            })
            .collect();
        let was_told_over = self.state.ends.contains_key(&run.id);
        let (own_end, own_move): (Vec<_>, Vec<_>) =
            own_end.into_iter().partition(|word| word.state.is_terminal());
        let end = own_end
            .into_iter()
            .next()
            .or_else(|| run.state.is_terminal().then(|| run.clone()));
        let seen = Seen {
            phase: Phase::of(&run, behind),
            at_ms: self.now_ms,
        };
        let Some(known) = self.state.stacks.get_mut(stack) else {
            return;
        };
        known.forget_tries();
        // A run of somebody else, or one for other causes, says nothing of what was made in doubt.
        let is_new = run.ours && !known.known_runs.contains(&run.id);
        known.doubt.take_if(|doubt| {
            // After a loss the attempt that is open is the one in doubt, and its causes are not known.
            let was_for_these =
                doubt.causes.is_empty() || causes.iter().any(|number| doubt.causes.contains(number));
            is_new && (!made || was_for_these)
        });
        if run.ours {
            known.remember_own(&run.id);
        }
        let is_other_used = known.run.as_ref().is_some_and(|used| used.run != run.id);
        let is_needed = run.ours || !served.is_empty();
        if is_other_used || !is_needed {
            // The stack is busy with it, and nothing more. Where causes wait for it, the next look finds it.
            if end.is_none() && !was_told_over {
                known.others.insert(run.id, seen);
            }
            self.note_activity(stack);
            return;
        }
        known.others.remove(&run.id);
        let used = known.run.get_or_insert_with(|| UsedRun {
            run: run.id.clone(),
            made: made || run.ours,
            causes: Vec::new(),
            seen,
            note: None,
        });
        used.causes.extend(&served);
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
        for number in served {
            let began = StackChange::Began {
                run: run.id.clone(),
                // Also one that was made in doubt: the record has to know after a loss whose it is.
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
            }
            // Its end was told when nobody waited for it.
            None if was_told_over => self.state.effects.push(Effect::Look {
                stack: stack.clone(),
                run: run.id,
            }),
            None => {
                for word in own_move {
                    self.run_moved(stack, &word);
                }
            }
        }
    }

    /// Somebody else's run was seen to be over before its end was told, which makes it a root. Until then the stack counts as
    /// busy, so that what is downstream of it waits for that cause, too.
    fn expect_root(&mut self, stack: &StackId, end: &RunFacts) {
        let since_s = self.state.knows_since_s.max((self.now_ms - REMEMBERED_MS) / 1000);
        let is_expected = !end.ours && !self.state.ends.contains_key(&end.id) && end.changed_at_s > since_s;
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
            HoldKind::Lock | HoldKind::Guard | HoldKind::Halt | HoldKind::Conflict => true,
            HoldKind::Trouble | HoldKind::Refused => again_in_ms.is_some(),
        };
        let Some(known) = self.state.stacks.get_mut(stack) else {
            return;
        };
        known.tries = known.tries.saturating_add(1);
        let told = Some((hold.text.clone(), causes.to_vec()));
        let was_told = known.told_hold == told;
        known.told_hold = told;
        known.hold = Some(Held {
            hold: hold.clone(),
            again_at_ms: self.now_ms.saturating_add(pause_ms.max(0)),
            not_waited_for,
        });
        for number in causes.iter().filter(|_| !was_told) {
            let note = Some(hold.text.clone());
            self.tell_stack(*number, stack, StackChange::Waits { note });
        }
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
            self.give_up(stack, causes, "trigger_refused", &text);
        } else {
            self.held(stack, causes, Hold::new(HoldKind::Refused, text), None);
        }
    }

    fn troubled(
        &mut self,
        stack: &StackId,
        causes: &[CauseNumber],
        code: &str,
        text: &str,
        again_in_ms: Option<i64>,
    ) {
        let patience_ms = self.state.settings.trigger_patience_ms;
        let now_ms = self.now_ms;
        let Some(known) = self.state.stacks.get_mut(stack) else {
            return;
        };
        let since_ms = *known.trouble_since_ms.get_or_insert(now_ms);
        if now_ms - since_ms >= patience_ms {
            self.give_up(stack, causes, code, text);
        } else {
            self.held(stack, causes, Hold::new(HoldKind::Trouble, text), again_in_ms);
        }
    }

    fn give_up(&mut self, stack: &StackId, causes: &[CauseNumber], code: &str, text: &str) {
        if let Some(known) = self.state.stacks.get_mut(stack) {
            known.forget_tries();
        }
        for number in causes {
            self.fail(*number, stack, reason(code, text), &EndedBy::default());
        }
    }
}
