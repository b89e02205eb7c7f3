//! Handles runs: when they appear, what they do, and how they end.

use super::RunEnd;
use super::Schedule;
use super::cause::{CauseNumber, Standing};
use super::message::{Decision, Effect};
use super::stack::{Phase, Seen, UsedRun};
use super::standing::EndedBy;
use crate::attempt::RunFacts;
use crate::record::StackChange;
use crate::{ChainId, Reason, ReasonCode, Root, RunId, RunState, StackId};

impl Schedule {
    /// An unfinished tracked run exists, so the stack is busy.
    pub(super) fn run_began(&mut self, stack: &StackId, run: RunId) {
        if self.state.ends.contains_key(&run) {
            return;
        }
        let seen = Seen {
            phase: Phase::Working,
            at_ms: self.now_ms,
        };
        let is_own = self.state.own_runs.contains(stack, &run);
        let known = self.state.stacks.entry(stack.clone()).or_default();
        if !is_own && !known.has_run(&run) {
            known.others.insert(run, seen);
        }
        self.note_activity(stack);
    }

    /// An unfinished run was looked at.
    pub(super) fn run_moved(&mut self, stack: &StackId, run: &RunFacts) {
        if !run.is_tracked() || run.state.is_terminal() {
            return;
        }
        self.note_conflict(stack, run);
        let at_ms = self.now_ms;
        let Some(known) = self.state.stacks.get_mut(stack) else {
            return;
        };
        let is_used = known.run.as_ref().is_some_and(|used| used.run == run.id);
        if !is_used && self.state.ends.contains_key(&run.id) {
            return;
        }
        // The attempt that triggered it has not reported so yet.
        if run.ours && known.attempt.is_some() && !known.has_run(&run.id) {
            let is_over = |word: &RunFacts| word.id == run.id && word.state.is_terminal();
            if !known.early_ends.iter().any(is_over) {
                known.early_ends.retain(|word| word.id != run.id);
                known.early_ends.push(run.clone());
            }
            return;
        }
        let is_behind = known.first_before(&run.id).is_some();
        match &mut known.run {
            Some(used) if used.run == run.id => {
                let behind = is_behind || used.seen.phase == Phase::Behind;
                let phase = Phase::of(run, behind);
                used.seen = Seen { phase, at_ms };
                let note = run.waits_for_person().map(str::to_owned);
                if used.note == note {
                    return;
                }
                used.note.clone_from(&note);
                used.waits_since_ms = note.as_ref().map(|_| run.changed_at_s.saturating_mul(1000));
                let causes = used.causes.clone();
                self.note_deadlines_of(stack);
                for number in causes {
                    self.report_change(number, stack, StackChange::Waits { note: note.clone() });
                }
            }
            _ => {
                let is_in_doubt = known.may_have_made(run);
                let is_alone = known.run.is_none() && known.others.keys().all(|other| *other == run.id);
                let phase = Phase::of(run, !is_alone);
                let seen = Seen { phase, at_ms };
                if is_in_doubt {
                    known.others.insert(run.id.clone(), seen);
                    self.stop_doubted(stack, run, seen);
                } else if let Some(known) = known.others.get_mut(&run.id) {
                    *known = seen;
                }
            }
        }
    }

    /// Ends a run that an attempt may have triggered, if all chains of the attempt were cancelled with their runs. Until it
    /// has ended, no other chain may use it.
    fn stop_doubted(&mut self, stack: &StackId, run: &RunFacts, seen: Seen) {
        let Some(known) = self.state.stacks.get_mut(stack) else {
            return;
        };
        let why = known.doubt.as_ref().and_then(|doubt| doubt.stop.clone());
        let Some(why) = why.filter(|_| seen.phase != Phase::Applying) else {
            return;
        };
        if known.run.is_none() {
            known.others.remove(&run.id);
            let stopped = UsedRun {
                stop: Some(why.clone()),
                ..UsedRun::new(run.id.clone(), true, seen)
            };
            known.run = Some(stopped);
        }
        self.state.effects.push(Effect::Stop {
            stack: stack.clone(),
            run: run.id.clone(),
            why,
        });
        self.note_activity(stack);
    }

    /// A run ended. A repeated report has no further effect.
    pub(super) fn run_ended(&mut self, stack: &StackId, run: RunFacts) {
        self.state.unclaimed.remove(&run.id);
        if !run.is_tracked() {
            return;
        }
        self.note_conflict(stack, &run);
        let was_reported = self.state.ends.contains_key(&run.id);
        let is_made = self.is_made(stack, &run.id);
        let known = self.state.stacks.entry(stack.clone()).or_default();
        self.touched.insert(stack.clone());
        let may_be_made = !is_made && known.may_have_made(&run);
        let is_early = may_be_made && known.attempt.is_some();
        if is_early {
            known.early_ends.retain(|word| word.id != run.id);
            known.early_ends.push(run.clone());
        }
        self.finish_run(stack, &run);
        // A run that Spacelift hides can come back, and then its end counts.
        if !run.gone {
            self.remember_end(&run.id, is_made);
        }
        if run.state == RunState::Finished && !was_reported && !is_made && !may_be_made {
            self.root_ended(stack, run);
        }
    }

    /// Whether we triggered a run. A run that is stopped because an attempt may have triggered it counts, too.
    fn is_made(&self, stack: &StackId, run: &RunId) -> bool {
        let known = self.state.stacks.get(stack);
        let used = known.and_then(|known| known.run.as_ref());
        used.is_some_and(|used| used.made && used.run == *run) || self.state.own_runs.contains(stack, run)
    }

    fn remember_end(&mut self, run: &RunId, made: bool) {
        let reported_at_ms = self.now_ms;
        let end = RunEnd { reported_at_ms, made };
        self.state.ends.entry(run.clone()).or_insert(end);
    }

    /// What the end of a run means for the causes that wait for it, and for those in which the stack failed before.
    pub(super) fn finish_run(&mut self, stack: &StackId, run: &RunFacts) {
        let is_made = self.is_made(stack, &run.id);
        let Some(known) = self.state.stacks.get_mut(stack) else {
            return;
        };
        if known.others.remove(&run.id).is_some()
            && known.others.is_empty()
            && !run.ours
            && let Some(doubt) = &mut known.doubt
        {
            // A doubted run may have waited behind this one.
            doubt.since_ms = self.now_ms;
        }
        let used = known.run.take_if(|used| used.run == run.id);
        // A run that waited behind this one works now.
        if let Some(waiting) = known.run.as_mut().filter(|_| known.others.is_empty())
            && waiting.seen.phase == Phase::Behind
        {
            waiting.seen.phase = Phase::Working;
        }
        if is_made {
            self.remember_end(&run.id, true);
        }
        self.note_activity(stack);
        if let Some(used) = used {
            self.settle(stack, run, &used);
        }
        if run.state == RunState::Finished && !run.partial {
            self.repair(stack, run);
        }
    }

    /// The end of a run that was to serve causes.
    fn settle(&mut self, stack: &StackId, run: &RunFacts, used: &UsedRun) {
        let causes: Vec<_> = used
            .causes
            .iter()
            .copied()
            .filter(|&number| self.standing(number, stack) == Standing::Running)
            .collect();
        self.settle_for(stack, run, used.made, used.stop.as_ref(), causes);
    }

    pub(super) fn settle_for(
        &mut self,
        stack: &StackId,
        run: &RunFacts,
        made: bool,
        stop: Option<&Reason>,
        causes: Vec<CauseNumber>,
    ) {
        let by = EndedBy::of(run);
        for number in causes {
            if run.may_have_applied()
                && let Some(at) = self.index(number, stack)
            {
                self.note_change(number, at, true);
            }
            match verdict(run, made) {
                End::Serves => self.serve(number, stack, &by),
                End::NothingToDo => {
                    let why = Reason::new(
                        ReasonCode::RunSkipped,
                        format!("Spacelift skipped its run {}", run.id),
                    );
                    let by = EndedBy {
                        changed: Some(false),
                        ..by.clone()
                    };
                    self.skip(number, stack, why, &by);
                }
                End::Fails if made && self.try_run_again(number, stack, run) => {}
                End::Fails => {
                    let failed =
                        || Reason::new(ReasonCode::RunFailed, format!("its run ended as {}", run.state));
                    // It may have been confirmed before it could be stopped.
                    let stop = stop.filter(|_| run.state != RunState::Failed);
                    let why = stop.cloned().unwrap_or_else(failed);
                    self.fail(number, stack, why, &by);
                }
                End::ServesNobody => {
                    let why = if run.partial {
                        format!("run {} was planned again for a part of the stack only", run.id)
                    } else {
                        format!("run {}, which somebody else made, ended as {}", run.id, run.state)
                    };
                    self.make_due_again(number, stack, &why);
                }
            }
        }
    }

    /// A later successful run of a failed stack, by anybody, makes the stacks due again that were skipped because of
    /// it.
    fn repair(&mut self, stack: &StackId, run: &RunFacts) {
        let by = EndedBy::of(run);
        for number in self.causes_with(stack, &[Standing::Failed]) {
            // For a failed stack, the moment of the failure.
            let failed_at_s = self.ready_at_s(number, stack);
            let began_at_s = run.began_at_s.unwrap_or(run.created_at_s);
            if failed_at_s.is_some_and(|failed_at_s| began_at_s >= failed_at_s) {
                self.serve(number, stack, &by);
            }
        }
    }

    /// When everything upstream of a stack had ended for a cause. For a failed stack, when it failed.
    pub(super) fn ready_at_s(&self, number: CauseNumber, stack: &StackId) -> Option<i64> {
        let cause = self.state.causes.get(&number)?;
        let plan = cause.plan.as_ref()?;
        let at = self.state.topologies.get(&plan.topology)?.index(stack)?;
        Some(plan.ready_at_s(at, cause.since_s()))
    }

    /// A run that we did not trigger succeeded, so it is a root.
    fn root_ended(&mut self, stack: &StackId, run: RunFacts) {
        if run.drift_detection && !self.state.settings.drift_runs {
            return;
        }
        let is_before_us = run.created_at_s <= self.state.knows_since_s;
        if run.ours && (is_before_us || run.other_spillway.is_some()) {
            self.log(Decision::NotARoot {
                stack: stack.clone(),
                run: run.id,
            });
            return;
        }
        let chain = ChainId::of_root_run(&self.state.account, &run.id);
        let push = run.is_push().then(|| run.as_push());
        let commit = run.commit.as_ref();
        let root = Root {
            account: self.state.account.clone(),
            stack: stack.clone(),
            commit: commit.map(|commit| commit.sha.clone()),
            commit_timestamp_s: commit.and_then(|commit| commit.timestamp_s),
            push: commit.and_then(|commit| commit.push.clone()).or(push),
            ended_at_s: Some(run.changed_at_s),
            is_due: false,
            changed: run.changed,
            retry_of: None,
            retry_reason: None,
            follow: false,
            reported_at_ms: run.reported_at_ms,
            run: Some(run.id),
            branch: run.branch,
        };
        self.add_cause(chain, root, run.triggered_by, None);
    }
}

/// What the end of a run means for the causes that it was to serve.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Serves,
    NothingToDo,
    Fails,
    /// The end says nothing about the stack.
    ServesNobody,
}

fn verdict(run: &RunFacts, made: bool) -> End {
    match &run.state {
        RunState::Finished if run.partial => End::ServesNobody,
        RunState::Finished => End::Serves,
        RunState::Skipped if made => End::NothingToDo,
        RunState::Skipped | RunState::Canceled if !made => End::ServesNobody,
        RunState::Discarded if !made && !run.planned => End::ServesNobody,
        _ => End::Fails,
    }
}

impl EndedBy {
    fn of(run: &RunFacts) -> Self {
        Self {
            run: Some(run.id.clone()),
            commit: run.commit.as_ref().map(|commit| commit.sha.clone()),
            ended_at_s: Some(run.changed_at_s),
            changed: run.changed,
            by_hand: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{End, RunFacts, RunState, verdict};

    /// The state in which a run ended, and what follows if we made it and if somebody else did.
    #[test]
    fn the_end_of_a_run_decides_what_follows() {
        let run = |state: &RunState, planned, partial| RunFacts {
            state: state.clone(),
            planned,
            partial,
            ..RunFacts::gone("01R".parse().unwrap(), 7)
        };
        for (state, planned, ours, others) in [
            (RunState::Finished, true, End::Serves, End::Serves),
            (RunState::Skipped, false, End::NothingToDo, End::ServesNobody),
            (RunState::Canceled, false, End::Fails, End::ServesNobody),
            (RunState::Discarded, true, End::Fails, End::Fails),
            (RunState::Discarded, false, End::Fails, End::ServesNobody),
            (RunState::Failed, true, End::Fails, End::Fails),
            (RunState::Failed, false, End::Fails, End::Fails),
            (RunState::Stopped, true, End::Fails, End::Fails),
        ] {
            let run = run(&state, planned, false);
            assert_eq!(verdict(&run, true), ours, "{state}, planned: {planned}");
            assert_eq!(verdict(&run, false), others, "{state}, planned: {planned}");
        }
        for made in [true, false] {
            let finished = run(&RunState::Finished, true, true);
            assert_eq!(
                verdict(&finished, made),
                End::ServesNobody,
                "a part of the stack only"
            );
            let failed = run(&RunState::Failed, true, true);
            assert_eq!(verdict(&failed, made), End::Fails);
        }
    }
}
