//! What must hold when a stack is tried, a run is triggered, and a stack ends in a cause.

use std::collections::BTreeSet;

use chain::attempt::AttemptRequest;
use chain::record::{Change, Outcome, StackChange};
use chain::{ChainId, ReasonCode, RunId, RunState, StackId};

use super::{Checked, Oracle, Place};
use crate::schedule::world::{By, Run};

impl<'a> Oracle<'a> {
    pub(super) fn attempt(&mut self, stack: &StackId, chains: &[ChainId]) -> Checked {
        law!(!self.halted, "{stack} is tried though the account is halted");
        law!(
            !self.rebuilding,
            "{stack} is tried before the schedule is rebuilt"
        );
        law!(
            !self.attempts.contains_key(stack),
            "{stack} is tried twice at once"
        );
        law!(
            !self.used.contains_key(stack),
            "{stack} is tried though {:?} serves it",
            self.used[stack]
        );
        let ready = self.ready_for(stack);
        let tried: BTreeSet<&ChainId> = chains.iter().collect();
        law!(
            ready == tried,
            "{stack} is tried for {tried:?}, and ready for {ready:?}"
        );
        law!(
            chains.iter().all(|chain| !self.causes[chain].cancelled),
            "{stack} is tried for a chain that was cancelled"
        );
        let waited_ms = self.now_ms - self.ready_since[stack];
        let mut upstream = self.listing.upstream(stack).iter();
        let moving = upstream.find(|other| self.moves(other) || self.is_unplanned_root(other));
        law!(
            waited_ms >= self.host.settings.join_wait_ms || moving.is_none(),
            "{stack} is tried after {waited_ms} ms, before {moving:?}, upstream of it, has ended"
        );
        self.waits_for_applies(stack)?;
        self.held.remove(stack);
        self.tries(stack);
        self.attempts
            .insert(stack.clone(), chains.iter().cloned().collect());
        let taken = self.attempts.len() + self.working.len();
        let limit = self.host.settings.parallel_runs_of_account.get() as usize;
        law!(taken <= limit, "{taken} slots are taken, of {limit}");
        let limit = self.host.settings.chain.parallel_runs.get() as usize;
        for chain in chains {
            let attempts = self
                .attempts
                .values()
                .filter(|chains| chains.contains(chain))
                .count();
            let is_of_chain = |run: &&RunId| {
                let stack = &self.run(run).stack;
                self.causes[chain].stacks.get(stack) == Some(&Place::Running((*run).clone()))
            };
            let taken = attempts + self.working.iter().filter(is_of_chain).count();
            law!(taken <= limit, "{taken} slots of {chain} are taken, of {limit}");
        }
        Ok(())
    }

    /// The commit of the last rollback by a person before a moment.
    fn rollback(&self, stack: &StackId, before_ms: i64, except: &RunId) -> Option<&'a Run> {
        let runs: Vec<&'a Run> = self.runs_before(stack, before_ms, except);
        let mut newest_first = runs.iter().rev().enumerate();
        newest_first
            .by_ref()
            .take_while(|(_, run)| run.by != By::Push)
            .find(|(nth, run)| {
                let before = runs.iter().rev().nth(nth + 1);
                run.by == By::Person && before.is_some_and(|before| run.commit < before.commit)
            })
            .map(|(_, run)| *run)
    }

    /// A person had rolled the stack back to the run's commit, or did so with the run. Law 3: from that run on, until
    /// the next push, the stack runs only that commit, "and for causes that want newer this counts as serving".
    fn is_pinned(&self, run: &Run) -> bool {
        let with_itself: RunId = format!("{}~", run.facts.id).parse().unwrap();
        let rollback = self.rollback(&run.stack, run.created_ms, &with_itself);
        rollback.is_some_and(|rollback| rollback.commit == run.commit)
    }

    fn runs_before(&self, stack: &StackId, before_ms: i64, except: &RunId) -> Vec<&'a Run> {
        let runs = self.world.runs.iter();
        runs.filter(|run| run.stack == *stack && run.created_ms <= before_ms && run.facts.id < *except)
            .collect()
    }

    /// The commit that the cause needs of a stack.
    fn wanted(&self, chain: &ChainId, stack: &StackId) -> Option<u32> {
        let root = self.run(self.causes.get(chain)?.root_run.as_ref()?);
        let repository = |stack: &StackId| &self.world.stacks[stack].facts.repository;
        (repository(&root.stack) == repository(stack)).then_some(root.commit)
    }

    fn tracked(&self, stack: &StackId, before_ms: i64, except: &RunId) -> u32 {
        let runs = self.runs_before(stack, before_ms, except);
        let pushed = runs.iter().filter(|run| run.by == By::Push).map(|run| run.commit);
        pushed.max().unwrap_or(0)
    }

    pub(super) fn made(&mut self, run: &'a Run, request: &AttemptRequest) -> Checked {
        let (id, stack, at_ms) = (&run.facts.id, &run.stack, run.created_ms);
        let before = self.runs_before(stack, at_ms, id);
        let is_open = |other: &&&Run| other.ended_ms.is_none_or(|ended_ms| ended_ms > at_ms);
        let own = before.iter().filter(|other| other.by == By::Us).find(is_open);
        law!(
            own.is_none(),
            "{id} of {stack} is made while {:?} of ours is not over",
            own.map(|run| &run.facts.id)
        );

        let tracked = self.tracked(stack, at_ms, id);
        let rollback = self.rollback(stack, at_ms, id);
        let newest = before.last().map(|run| run.commit);
        let wanted = request
            .needs
            .iter()
            .filter_map(|need| self.wanted(&need.chain, stack));
        let pinned = rollback.map(|rollback| rollback.commit);
        let expected = pinned.or_else(|| wanted.chain(newest).chain([tracked]).max());
        law!(
            Some(run.commit) == expected,
            "{id} of {stack} is of commit {}, not {expected:?}",
            run.commit
        );

        self.is_no_loop(run, request.run_retries)?;
        for need in &request.needs {
            let Some(cause) = self.causes.get(&need.chain).filter(|cause| cause.is_ready(stack)) else {
                continue;
            };
            let ready_s = cause.ready_s(stack);
            let least = self.wanted(&need.chain, stack).unwrap_or(tracked);
            let serving = before.iter().find(|other| {
                let may_end_well = is_open(other) || other.facts.state == RunState::Finished;
                let began_s = other.facts.began_at_s.filter(|began_s| began_s * 1000 <= at_ms);
                // Law 3: runs of the rollback's commit from before the rollback do not count.
                let is_pinned = rollback.is_some_and(|rollback| {
                    rollback.commit == other.commit && rollback.facts.id <= other.facts.id
                });
                let is_new = other.commit >= least || is_pinned;
                may_end_well && is_new && began_s.map_or_else(|| is_open(other), |began_s| began_s > ready_s)
            });
            let serving = serving.map(|run| &run.facts.id);
            law!(
                serving.is_none(),
                "{id} of {stack} is made though {serving:?} may serve {}",
                need.chain
            );
        }
        let chains = request.needs.iter().map(|need| need.chain.clone());
        self.begins_for.entry(id.clone()).or_default().extend(chains);
        Ok(())
    }

    pub(super) fn changed(&mut self, chain: &ChainId, change: &Change) -> Checked {
        let Change::Stack { stack, change, .. } = change else {
            if let (Change::Over { .. }, Some(cause)) = (change, self.causes.get_mut(chain)) {
                let is_over = cause.stacks.values().all(Place::is_over);
                law!(
                    is_over,
                    "{chain} ended before all of its stacks: {:?}",
                    cause.stacks
                );
                // Law 4: a repair makes due again what was skipped because of the failure.
                let is_failed = |other: &StackId| cause.stacks.get(other) == Some(&Place::Failed);
                let forgotten = cause.stacks.iter().find(|(stack, place)| {
                    let is_skipped = **place == Place::Skipped("upstream_failed".to_owned());
                    is_skipped && !cause.upstream(stack).any(is_failed)
                });
                law!(
                    cause.cancelled || forgotten.is_none(),
                    "{chain} ended, and {forgotten:?} was not made due again"
                );
                cause.concluded = true;
            }
            return Ok(());
        };
        let Some(cause) = self.causes.get(chain) else {
            return Err(format!("{chain} is not known, and {stack} changes in it"));
        };
        let Some(was) = cause.stacks.get(stack).cloned() else {
            // After a loss, a repeated report of a root can be planned with another listing, until its record is found.
            law!(
                cause.concluded && cause.cancelled,
                "{stack} changes in {chain}, which does not contain it"
            );
            return Ok(());
        };
        let now = match change {
            StackChange::Waits { .. } => return Ok(()),
            StackChange::Began { run, .. } => {
                law!(was == Place::Due, "{stack} of {chain} begins and is {was:?}");
                let ready_s = cause.ready_s(stack);
                if let Some(cause) = self.causes.get_mut(chain) {
                    cause.ready_at_begin_s.insert(stack.clone(), ready_s);
                }
                // Those that it does not serve wait anew for others.
                self.ready_since.remove(stack);
                Place::Running(run.clone())
            }
            StackChange::DueAgain { .. } => Place::Due,
            StackChange::RunFailed { run, .. } => {
                law!(
                    was == Place::Running(run.clone()),
                    "{stack} of {chain} failed and is {was:?}"
                );
                let found = self.run(run);
                law!(
                    found.by == By::Us && found.facts.state == RunState::Failed,
                    "{run} of {stack} is tried again, and is no run of ours that failed"
                );
                let known = self.host.records[chain].stack(stack).unwrap();
                let label = "spillway:retries=";
                let labels = &self.world.stacks[stack].facts.labels;
                let own = labels
                    .iter()
                    .find_map(|text| text.strip_prefix(label)?.parse().ok());
                let retries: usize = own.unwrap_or(self.host.settings.chain.run_retries as usize);
                law!(
                    known.failed_runs.len() <= retries,
                    "{stack} of {chain} is tried too often"
                );
                Place::Due
            }
            StackChange::Ended { outcome, run, .. } => {
                let place = self.outcome(chain, stack, &was, outcome, run.as_ref());
                place.map_err(|why| format!("{stack} of {chain}: {why}"))?
            }
        };
        let ended_at_s = match change {
            StackChange::Ended { ended_at_s, .. } => *ended_at_s,
            _ => None,
        };
        self.note_failure(chain, stack, change);
        if let Some(cause) = self.causes.get_mut(chain) {
            if now == Place::Failed && ended_at_s.is_none() {
                let ready_s = cause.ready_s(stack);
                cause.ready_at_begin_s.insert(stack.clone(), ready_s);
            }
            cause.ended_s.remove(stack);
            cause.ended_s.extend(ended_at_s.map(|at_s| (stack.clone(), at_s)));
            cause.stacks.insert(stack.clone(), now);
        }
        self.find_ready();
        Ok(())
    }

    fn outcome(
        &self,
        chain: &ChainId,
        stack: &StackId,
        was: &Place,
        outcome: &Outcome,
        run: Option<&RunId>,
    ) -> Result<Place, String> {
        let cause = &self.causes[chain];
        match outcome {
            Outcome::Succeeded => {
                if let Some(run) = run {
                    self.serves(chain, stack, was, self.run(run))?;
                }
                Ok(Place::Done)
            }
            Outcome::Failed { reason } if reason.code == ReasonCode::RunFailed => {
                let Some(run) = run else {
                    return Err("it failed without a run".to_owned());
                };
                if *was != Place::Running(run.clone()) {
                    return Err(format!("it failed with {run}, which was not for it"));
                }
                let found = self.run(run);
                let is_nothing = matches!(found.facts.state, RunState::Canceled | RunState::Skipped)
                    || (found.facts.state == RunState::Discarded && !found.facts.planned);
                if found.by != By::Us && is_nothing {
                    return Err(format!("it failed with {run}, which somebody else cancelled"));
                }
                Ok(Place::Failed)
            }
            Outcome::Failed { reason } => {
                self.may_fail_without_run(chain, stack, &reason.code)?;
                Ok(Place::Failed)
            }
            Outcome::Skipped { reason } => {
                let is_right = match reason.code.to_string().as_str() {
                    "upstream_failed" => cause
                        .upstream(stack)
                        .any(|other| cause.stacks.get(other) == Some(&Place::Failed)),
                    "chain_cancelled" => cause.cancelled,
                    "run_skipped" => run.is_some_and(|run| self.run(run).facts.state == RunState::Skipped),
                    "no_change" => {
                        let mut upstream = cause.listing.iter().flat_map(|listing| listing.by_label(stack));
                        upstream.all(|other| {
                            cause
                                .stacks
                                .get(other)
                                .is_none_or(|place| self.may_be_unchanged(chain, other, place))
                        })
                    }
                    "disabled" => self.world.was_disabled.contains(stack),
                    _ => false,
                };
                if !is_right {
                    return Err(format!("it is skipped, and not rightly: {reason}"));
                }
                Ok(Place::Skipped(reason.code.to_string()))
            }
        }
    }

    /// As far as places and runs show.
    fn may_be_unchanged(&self, chain: &ChainId, stack: &StackId, place: &Place) -> bool {
        let runs = || self.world.runs.iter().filter(|run| run.stack == *stack);
        let is_for_chain = |run: &&Run| {
            let chains = self.begins_for.get(&run.facts.id);
            run.by == By::Us && chains.is_some_and(|chains| chains.contains(chain))
        };
        let has_changed = |run: &Run| run.facts.may_have_applied();
        match place {
            Place::Skipped(_) => true,
            Place::Done => {
                runs().any(|run| run.facts.changed == Some(false))
                    && !runs().filter(is_for_chain).any(has_changed)
            }
            Place::Due | Place::Running(_) | Place::Failed => false,
        }
    }

    fn serves(&self, chain: &ChainId, stack: &StackId, was: &Place, run: &Run) -> Checked {
        let id = &run.facts.id;
        law!(
            run.facts.state == RunState::Finished && run.stack == *stack,
            "{id} did not end well"
        );
        let cause = &self.causes[chain];
        // Law 4 makes stacks due again that were skipped because of a failure, and nothing else. So a later repair
        // upstream does not invalidate a run in progress: one exists only if the failure skipped nothing, because of
        // the policy `continue` or because the dependency is one of Spacelift's own. The run has to begin after what
        // had ended when it was triggered.
        let at_begin_s = cause.ready_at_begin_s.get(stack).copied();
        // The same holds for what repairs a stack that failed without a run.
        let is_without_run = *was == Place::Failed && !cause.ended_s.contains_key(stack);
        let at_begin_s = at_begin_s.filter(|_| is_without_run || matches!(was, Place::Running(_)));
        let ready_s = at_begin_s.unwrap_or_else(|| cause.ready_s(stack));
        let is_begins_for_it = self
            .begins_for
            .get(id)
            .is_some_and(|chains| chains.contains(chain));
        let began_s = run.facts.began_at_s;
        // The failed run had begun after everything upstream had ended, and this one comes after it.
        let failed_s = cause.ended_s.get(stack).filter(|_| *was == Place::Failed);
        let is_repair = failed_s.is_some_and(|failed_s| began_s >= Some(*failed_s));
        law!(
            is_begins_for_it || is_repair || began_s.is_some_and(|began_s| began_s > ready_s),
            "{id} began at {began_s:?}, and everything upstream had ended at {ready_s}"
        );
        if *was == Place::Failed {
            return Ok(());
        }
        let is_pinned = self.is_pinned(run);
        let wanted = self.wanted(chain, stack);
        law!(
            is_pinned || wanted.is_none_or(|wanted| run.commit >= wanted),
            "{id} is of commit {}, older than {wanted:?}",
            run.commit
        );
        Ok(())
    }
}
