//! How often and how long a stack is tried: faults, refusals and the loop guard.

use std::collections::BTreeSet;

use chain::attempt::{AttemptOutcome, HoldKind};
use chain::record::{Outcome, StackChange};
use chain::{ChainId, ReasonCode, RunState, StackId};

use super::{Checked, Oracle, Place};
use crate::schedule::world::{By, Run};

/// Law 8: the next run of a commit is held after this many within an hour.
const GUARD_RUNS: usize = 5;
const GUARD_WINDOW_S: i64 = 3_600;

/// The longest pause before a failed run is retried.
const RUN_RETRY_PAUSE_MS: i64 = 1_800_000;

/// How long fresh looks at the runs upstream, and reports about them, can take.
const LOOKS_MS: i64 = 35_000;

/// How long a report about a run can take.
const REPORT_MS: i64 = 10_000;

/// What holds a stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hold {
    pub(super) kind: HoldKind,
    /// It is tried again then at the latest.
    again_ms: i64,
}

/// The answers to the attempts at a stack since its last run.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    refusals: u32,
    /// How many of them held the stack. The pauses grow with it.
    holds: u32,
    trouble: Option<Trouble>,
    /// When the stack is tried again at the latest, after the last answer.
    again_ms: i64,
    has_failed: bool,
}

/// Temporary failures in a row.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    last_ms: i64,
    /// How long the stack was tried at least and at most. Time in which nothing was tried does not count, and the pauses
    /// are not reported.
    tried_ms: (i64, i64),
}

impl Oracle<'_> {
    /// An attempt for these chains ended.
    pub(super) fn answered(
        &mut self,
        stack: &StackId,
        chains: &BTreeSet<ChainId>,
        outcome: &AttemptOutcome,
    ) -> Checked {
        let settings = &self.host.settings;
        let longest_ms = settings.longest_pause_ms;
        // After this many answers, the pauses have grown to the longest one.
        let growing = (0..32_u32).find(|&holds| settings.backoff_ms << holds >= longest_ms);
        let is_needed = chains.iter().any(|chain| self.is_due(chain, stack));
        let answers = self.answers.entry(stack.clone()).or_default();
        let again_in_ms = match outcome {
            AttemptOutcome::Held { again_in_ms, .. } | AttemptOutcome::Trouble { again_in_ms, .. } => {
                again_in_ms.unwrap_or(longest_ms)
            }
            _ => longest_ms,
        };
        answers.again_ms = self.now_ms + again_in_ms;
        let mut gives_up = false;
        match outcome {
            AttemptOutcome::Run { .. } => {
                answers.refusals = 0;
                answers.holds = 0;
                answers.trouble = None;
                self.released.remove(stack);
            }
            AttemptOutcome::Trouble { .. } | AttemptOutcome::NotVisible => {
                let trouble = answers.trouble.get_or_insert(Trouble {
                    last_ms: self.now_ms,
                    tried_ms: (0, 0),
                });
                let gap_ms = self.now_ms - trouble.last_ms;
                trouble.last_ms = self.now_ms;
                trouble.tried_ms.1 += gap_ms.min(2 * longest_ms);
                if Some(answers.holds) > growing {
                    trouble.tried_ms.0 += gap_ms.min(longest_ms);
                }
                answers.holds += 1;
                gives_up = trouble.tried_ms.0 >= settings.trigger_patience_ms;
                if !is_needed && trouble.tried_ms.1 >= settings.trigger_patience_ms {
                    // No chain shows whether the stack was given up.
                    trouble.tried_ms.0 = 0;
                    self.released
                        .entry(stack.clone())
                        .and_modify(|surely| *surely = false);
                }
            }
            AttemptOutcome::Refused { .. } => {
                answers.trouble = None;
                answers.refusals += 1;
                answers.holds += 1;
                gives_up = answers.refusals >= settings.trigger_attempts;
                if gives_up {
                    self.answers.remove(stack);
                    self.released.remove(stack);
                }
            }
            AttemptOutcome::Held { hold, .. } => {
                answers.trouble = None;
                answers.holds += 1;
                if hold.kind == HoldKind::Guard {
                    self.is_loop(stack)?;
                }
            }
            AttemptOutcome::Disabled => answers.trouble = None,
        }
        self.unguarded.remove(stack);
        // Answers that no chain waited for do not count for the next one.
        if !self.ready_since.contains_key(stack) {
            self.answers.remove(stack);
        }
        if gives_up {
            let all = chains.iter().map(|chain| (stack.clone(), chain.clone()));
            self.gives_up.extend(all);
        }
        Ok(())
    }

    /// The chain needs a run of the stack, and was not cancelled.
    fn is_due(&self, chain: &ChainId, stack: &StackId) -> bool {
        let cause = self.causes.get(chain).filter(|cause| !cause.cancelled);
        cause.is_some_and(|cause| cause.stacks.get(stack) == Some(&Place::Due))
    }

    pub(super) fn is_held(&mut self, stack: &StackId, kind: HoldKind) {
        let known = self.answers.get(stack).map(|answers| answers.again_ms);
        let again_ms = match kind {
            HoldKind::Retry => self.now_ms + RUN_RETRY_PAUSE_MS,
            _ => known.unwrap_or(self.now_ms + self.host.settings.longest_pause_ms),
        };
        self.held.insert(stack.clone(), Hold { kind, again_ms });
    }

    /// The stack is held, and does not have to be tried yet.
    pub(super) fn may_be_held(&self, stack: &StackId) -> bool {
        self.held
            .get(stack)
            .is_some_and(|hold| self.now_ms < hold.again_ms)
    }

    /// A person allows the next run. If nothing is ready, that may be forgotten.
    pub(super) fn is_released(&mut self, stack: &StackId) {
        let is_ready = self.ready_since.contains_key(stack);
        self.released.insert(stack.clone(), is_ready);
    }

    /// An attempt at the stack begins.
    pub(super) fn tries(&mut self, stack: &StackId) {
        if self.answers.get(stack).is_some_and(|answers| answers.has_failed) {
            self.answers.remove(stack);
            self.released.remove(stack);
        }
        if self.released.get(stack) == Some(&true) {
            self.unguarded.insert(stack.clone());
        }
    }

    /// Law 6: a stack without a run fails only after enough refusals, or after temporary failures for long enough.
    pub(super) fn may_fail_without_run(
        &self,
        chain: &ChainId,
        stack: &StackId,
        code: &ReasonCode,
    ) -> Checked {
        match code {
            ReasonCode::TriggerRefused => {
                let is_due = self.gives_up.contains(&(stack.clone(), chain.clone()));
                law!(is_due, "it failed before Spacelift had refused often enough");
            }
            ReasonCode::TriggerFailed | ReasonCode::NotVisible => {
                let trouble = self.answers.get(stack).and_then(|answers| answers.trouble);
                let tried_ms = trouble.map_or(0, |trouble| trouble.tried_ms.1);
                law!(
                    tried_ms >= self.host.settings.trigger_patience_ms,
                    "it failed after temporary failures for {tried_ms} ms"
                );
            }
            ReasonCode::ChainCancelled => {
                law!(
                    self.causes[chain].cancelled,
                    "it failed, and its chain was not cancelled"
                );
            }
            ReasonCode::Timeout => {
                law!(
                    self.host.settings.run_timeout_ms.is_some(),
                    "it failed without a timeout"
                );
            }
            other => return Err(format!("it failed because of {other}")),
        }
        Ok(())
    }

    pub(super) fn note_failure(&mut self, chain: &ChainId, stack: &StackId, change: &StackChange) {
        let StackChange::Ended {
            outcome: Outcome::Failed { reason },
            ..
        } = change
        else {
            return;
        };
        self.gives_up.remove(&(stack.clone(), chain.clone()));
        if matches!(reason.code, ReasonCode::TriggerFailed | ReasonCode::NotVisible)
            && let Some(answers) = self.answers.get_mut(stack)
        {
            answers.has_failed = true;
        }
    }

    /// Law 6: the stack fails at once when it was tried for long or often enough.
    pub(super) fn has_given_up(&mut self) -> Checked {
        let late = self
            .gives_up
            .iter()
            .find(|(stack, chain)| self.is_due(chain, stack));
        law!(
            late.is_none(),
            "{late:?} was tried for long or often enough, and did not fail"
        );
        self.gives_up.clear();
        Ok(())
    }

    /// Law 8: a run of ours is no sixth one of its commit within an hour, except if a person allowed it.
    pub(super) fn is_no_loop(&self, run: &Run, run_retries: u32) -> Checked {
        let since_s = run.facts.created_at_s - GUARD_WINDOW_S;
        let before = self.own_runs_since(&run.stack, since_s);
        let before = before.filter(|other| other.commit == run.commit && other.facts.id < run.facts.id);
        // Automatic retries do not count: a failed run and its retries are one.
        let tries = run_retries as usize + 1;
        let mut counted = 0;
        let mut failed = 0;
        for other in before {
            failed += 1;
            if failed % tries == 1 % tries {
                counted += 1;
            }
            if other.facts.state != RunState::Failed {
                failed = 0;
            }
        }
        law!(
            counted < GUARD_RUNS || self.released.contains_key(&run.stack),
            "{} of {} is made after {counted} of the same commit within an hour",
            run.facts.id,
            run.stack
        );
        Ok(())
    }

    /// Law 8: the guard holds only loops, and none that a person allowed.
    fn is_loop(&self, stack: &StackId) -> Checked {
        law!(
            !self.unguarded.contains(stack),
            "the guard holds {stack} although a person allowed its next run"
        );
        let since_s = (self.now_ms - REPORT_MS) / 1000 - GUARD_WINDOW_S;
        let recent: Vec<&Run> = self.own_runs_since(stack, since_s).collect();
        let most = recent.iter().map(|run| {
            let same = recent.iter().filter(|other| other.commit == run.commit);
            same.count()
        });
        let most = most.max().unwrap_or(0);
        law!(
            most >= GUARD_RUNS,
            "the guard holds {stack} after {most} runs of a commit within an hour"
        );
        Ok(())
    }

    /// Our runs of a stack that were created after a second, and that exist already.
    fn own_runs_since(&self, stack: &StackId, since_s: i64) -> impl Iterator<Item = &Run> {
        let runs = self.world.runs.iter();
        runs.filter(move |run| {
            let is_known = run.by == By::Us && run.stack == *stack && run.created_ms <= self.now_ms;
            is_known && run.facts.created_at_s > since_s
        })
    }

    /// Law 2: a run directly upstream that was applying at the end of `join_wait` is waited for until it ends.
    pub(super) fn waits_for_applies(&self, stack: &StackId) -> Checked {
        let until_ms = self.ready_since[stack] + self.host.settings.join_wait_ms;
        let applying = self.applies_upstream(stack, until_ms - REPORT_MS).find(|run| {
            // A run that waits behind another one counts as held with it until the end of that one is reported.
            let runs = self.busy.values().filter(|(of, _)| *of == run.stack);
            runs.count() == 1
        });
        law!(
            self.now_ms < until_ms || applying.is_none(),
            "{stack} is tried during the apply of {:?}, upstream of it",
            applying.map(|run| &run.facts.id)
        );
        Ok(())
    }

    /// Law 2: whether the stack may wait for an apply although `join_wait` ended at this moment.
    pub(super) fn may_wait_for_applies(&self, stack: &StackId, until_ms: i64) -> bool {
        self.applies_upstream(stack, until_ms + LOOKS_MS).next().is_some()
    }

    /// The unfinished runs directly upstream that began to apply before a moment.
    fn applies_upstream(&self, stack: &StackId, before_ms: i64) -> impl Iterator<Item = &Run> {
        let upstream = self.listing.direct(stack);
        let busy = self.busy.iter().filter(|(_, (of, _))| upstream.contains(of));
        let runs = busy.map(|(run, _)| self.run(run));
        runs.filter(move |run| run.applies_since_ms.is_some_and(|at_ms| at_ms < before_ms))
    }
}
