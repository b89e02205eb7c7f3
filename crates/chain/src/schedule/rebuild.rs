//! Rebuilds the schedule from the records of open chains, from Temporal and from Spacelift.

use std::collections::{BTreeMap, BTreeSet};

use super::Schedule;
use super::cause::{Cause, CauseNumber, Plan, Standing, Standings};
use super::message::{Decision, Effect, Rebuilt};
use super::stack::{Phase, Seen, UsedRun};
use super::standing::repairable_since_s;
use super::topology::Topology;
use crate::attempt::{AttemptOutcome, RunFacts};
use crate::record::{ChainRecord, StackProgress, StackState};
use crate::{Chain, ChainId, OnFailure, Reason, ReasonCode, RunId, StackId, StackPolicy};

/// Runs that records of chains take for running: whether we triggered them, and for which causes.
pub(super) type Running = BTreeMap<(StackId, RunId), (bool, Vec<CauseNumber>)>;

impl Schedule {
    /// Applies what is open. Events that arrived meanwhile follow.
    pub(super) fn rebuilt(&mut self, rebuilt: Rebuilt) {
        if self.state.rebuilt {
            return;
        }
        self.state.rebuilt = true;
        if !rebuilt.clean {
            self.state.knows_since_s = rebuilt.now_s;
        }
        self.state.halted_by = rebuilt.halted_by;
        self.state.halt_reason = rebuilt.halt_reason;
        self.take_up_conflicts(&rebuilt.conflicts, rebuilt.conflict_excused_s);
        let chains = rebuilt.chains.len();
        let mut running = Running::new();
        let taken_up: Vec<CauseNumber> = rebuilt
            .chains
            .iter()
            .filter_map(|record| self.take_up(record, &mut running))
            .collect();
        for stack in rebuilt.attempts {
            // For causes that its outcome will name.
            let known = self.state.stacks.entry(stack.clone()).or_default();
            known.attempt = Some(Vec::new());
            known.lifted = true;
            self.doubt(&stack, &[], None);
            self.note_activity(&stack);
        }
        self.find_ready();
        for (stack, run) in self.take_up_runs(rebuilt.runs, running) {
            self.run_ended(&stack, run);
        }
        for (stack, outcome) in rebuilt.ended_attempts {
            self.take_up_attempt(&stack, outcome, &rebuilt.chains);
        }
        for number in taken_up {
            self.settle_taken_up(number);
        }
        for record in &rebuilt.chains {
            self.stop_runs_as_recorded(record);
        }
        if chains > 0 || !rebuilt.clean {
            self.log(Decision::Rebuilt { chains });
        }
    }

    /// Takes over the run of an attempt that ended recently, for the causes whose records do not have it. Otherwise a
    /// run that ended within the second in which its stack became ready would not count, and would be repeated.
    fn take_up_attempt(&mut self, stack: &StackId, mut outcome: AttemptOutcome, records: &[ChainRecord]) {
        let (run, chains) = match &mut outcome {
            AttemptOutcome::Run { run, chains, .. } => (run, chains),
            AttemptOutcome::Trouble { in_doubt: true, .. } => {
                self.state.stacks.entry(stack.clone()).or_default();
                self.doubt(stack, &[], None);
                return;
            }
            _ => return,
        };
        if run.ours {
            self.state.own_runs.remember(stack, &run.id, self.now_ms);
        }
        let record_of = |chain: &ChainId| records.iter().find(|record| record.id() == chain);
        let stops = |chain: &ChainId| record_of(chain)?.stops_unrecorded(stack, &run.id);
        // If it is only for chains that a person cancelled with their runs, it is ended.
        if let Some(why) = chains.first().and_then(stops)
            && chains.iter().all(|chain| stops(chain).is_some())
        {
            self.state.stacks.entry(stack.clone()).or_default().stop_attempt = Some(why.clone());
        } else {
            chains.retain(|chain| {
                record_of(chain).is_some_and(|record| self.may_serve_unrecorded(record, stack, run))
            });
        }
        if !chains.is_empty() {
            self.attempted(stack, outcome);
        }
    }

    /// Whether a run that an attempt found for this chain still serves it.
    fn may_serve_unrecorded(&self, record: &ChainRecord, stack: &StackId, run: &RunFacts) -> bool {
        // What the record has of the run is taken up already.
        let is_recorded = record
            .stack(stack)
            .is_some_and(|stack| stack.run.as_ref() == Some(&run.id) || stack.failed_runs.contains(&run.id));
        let plan = self.cause_of(record.id()).and_then(|number| self.plan_of(number));
        let is_ready_since = || {
            let plan = plan?;
            let topology = self.state.topologies.get(&plan.topology)?;
            let at = topology.index(stack)?;
            let ready_at_s = plan.ready_at_s.get(&at).copied().unwrap_or_default();
            plan.is_ready(at, topology).then_some(ready_at_s)
        };
        !is_recorded && is_ready_since().is_some_and(|ready_at_s| run.created_at_s >= ready_at_s)
    }

    /// Takes over the unfinished runs, settles the finished ones for their causes, and returns the latter.
    pub(super) fn take_up_runs(
        &mut self,
        runs: Vec<(StackId, RunFacts)>,
        mut running: Running,
    ) -> Vec<(StackId, RunFacts)> {
        let (over, open): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(_, run)| run.state.is_terminal());
        for (stack, run) in open {
            let seen = Seen {
                phase: Phase::of(&run, false),
                at_ms: self.now_ms,
            };
            if self.state.ends.contains_key(&run.id) {
                // It ended after these facts were read, and nobody reports it again.
                self.state.effects.push(Effect::Look {
                    stack: stack.clone(),
                    run: run.id.clone(),
                });
            }
            let note = run.waits_for_person().map(str::to_owned);
            let waits_since_ms = note.as_ref().map(|_| run.changed_at_s.saturating_mul(1000));
            if let Some((made, causes)) = running.remove(&(stack.clone(), run.id.clone())) {
                let used = UsedRun {
                    causes,
                    note,
                    waits_since_ms,
                    ..UsedRun::new(run.id, made, seen)
                };
                self.take_up_run(&stack, used);
            } else {
                if run.ours {
                    self.state.unclaimed.insert(run.id.clone());
                }
                let known = self.state.stacks.entry(stack.clone()).or_default();
                known.others.insert(run.id, seen);
                self.note_activity(&stack);
            }
        }
        for (stack, run) in &over {
            if let Some((made, causes)) = running.remove(&(stack.clone(), run.id.clone())) {
                self.state.stacks.entry(stack.clone()).or_default();
                self.settle_for(stack, run, made, None, causes);
            }
        }
        // What happened to these was not reported, so they are looked at.
        for ((stack, run), (made, causes)) in running {
            let used = UsedRun {
                causes,
                began_ms: self.now_ms,
                ..UsedRun::new(run.clone(), made, Seen::default())
            };
            if self.take_up_run(&stack, used) {
                self.state.effects.push(Effect::Look { stack, run });
            }
        }
        over
    }

    /// A run serves causes again. If another run of the stack is already followed, the causes are due, and the next
    /// look finds the other run. Returns whether the run is followed.
    fn take_up_run(&mut self, stack: &StackId, taken_up: UsedRun) -> bool {
        let known = self.state.stacks.entry(stack.clone()).or_default();
        let is_followed = match &mut known.run {
            None => {
                known.others.remove(&taken_up.run);
                known.run = Some(taken_up);
                true
            }
            Some(used) if used.run == taken_up.run => {
                used.causes.extend(taken_up.causes);
                true
            }
            Some(_) => {
                known.others.insert(taken_up.run, taken_up.seen);
                for number in taken_up.causes {
                    self.make_due_again(number, stack, "the schedule was lost");
                }
                false
            }
        };
        self.note_activity(stack);
        is_followed
    }

    /// Turns an open chain into a cause again.
    pub(super) fn take_up(&mut self, record: &ChainRecord, running: &mut Running) -> Option<CauseNumber> {
        if record.is_over() || self.cause_of(record.id()).is_some() {
            return None;
        }
        let chain = record.chain();
        let topology = Topology::of_chain(chain);
        let number = self.state.next_cause;
        self.state.next_cause += 1;
        let mut standings = vec![Standing::Outside; topology.len()];
        for stack in record.progress() {
            let Some(at) = topology.index(&stack.id) else {
                continue;
            };
            standings[at as usize] = standing(stack);
            let last_run = stack.run.iter().filter(|_| !stack.found);
            for run in stack.failed_runs.iter().chain(last_run) {
                self.state.own_runs.remember(&stack.id, run, self.now_ms);
            }
            if let (StackState::Running, Some(run)) = (stack.state, &stack.run) {
                standings[at as usize] = Standing::Running;
                let claim = running.entry((stack.id.clone(), run.clone()));
                let (made, causes) = claim.or_insert((false, Vec::new()));
                *made |= !stack.found;
                causes.push(number);
            }
        }
        let passing = pass_early(&topology, &mut standings);
        let plan = Plan {
            looks_far: topology.has_native(),
            ready_at_s: ready_at_s(record, &topology),
            policies: policies(chain, &topology),
            tries: tries(record, &topology),
            // What changed before is unknown, so everything runs.
            minds_changes: false,
            changed: BTreeMap::new(),
            topology: self.keep_topology(topology),
            settings: chain.settings.clone(),
            repository: chain.root_repository.clone(),
            standings: Standings::new(standings),
            passing,
            slots: 0,
        };
        let mut cause = Cause {
            chain: record.id().clone(),
            root: chain.root.clone(),
            by: None,
            only: None,
            plan: Some(plan),
            paused: record.is_paused(),
            pause: record.pause().cloned(),
            unapproved: record.unapproved().is_some(),
            stuck_since_ms: None,
            stopped: None,
            stops_runs: false,
            is_gone: false,
        };
        if let Some(root) = record.stack(&chain.root.stack)
            && root.state == StackState::Succeeded
        {
            cause.root_ran(root.commit.as_ref());
        }
        self.state.causes.insert(number, cause);
        if let Some(why) = record.cancelled() {
            self.skip_all_due(number, why);
        }
        Some(number)
    }

    /// A person may have cancelled the chain with its runs before the schedule was lost.
    pub(super) fn stop_runs_as_recorded(&mut self, record: &ChainRecord) {
        if let (true, Some(why), Some(number)) = (
            record.stops_runs(),
            record.cancelled(),
            self.cause_of(record.id()),
        ) {
            self.stop_runs_of(number, why);
        }
    }

    /// Applies what follows from the record but was not reported before the schedule was lost.
    pub(super) fn settle_taken_up(&mut self, number: CauseNumber) {
        let Some(plan) = self.plan_of(number) else {
            return;
        };
        let Some(topology) = self.state.topologies.get(&plan.topology) else {
            return;
        };
        let is_failed = |&(_, standing): &(u32, Standing)| standing == Standing::Failed;
        let failed: Vec<(u32, StackId, OnFailure)> = plan
            .standings
            .iter()
            .filter(is_failed)
            .map(|(at, _)| (at, topology.id(at).clone(), plan.on_failure(at)))
            .collect();
        for (at, stack, on_failure) in failed {
            if on_failure != OnFailure::Continue {
                let skipped = self.skip_downstream(number, at, &stack);
                self.over_by_failure(number, skipped);
            }
            if on_failure == OnFailure::Stop {
                let text = format!("the chain stopped when `{stack}` failed");
                self.skip_all_due(number, &Reason::new(ReasonCode::ChainStopped, text));
            }
        }
    }
}

/// A stack can be over before its upstream is if a person marked it as done. Then it is left out.
fn pass_early(topology: &Topology, standings: &mut [Standing]) -> BTreeSet<u32> {
    let mut passing = BTreeSet::new();
    for &at in topology.order() {
        let mut upstream = topology.upstream(at).iter();
        let is_early = upstream.any(|&other| !standings[other as usize].is_over());
        let standing = &mut standings[at as usize];
        if is_early && matches!(standing, Standing::Done | Standing::Skipped) {
            *standing = Standing::Passing;
            passing.insert(at);
        }
    }
    passing
}

/// When everything upstream of each stack had ended, if it has. For a failed stack, when it failed.
fn ready_at_s(record: &ChainRecord, topology: &Topology) -> BTreeMap<u32, i64> {
    let since_s = record.chain().root.ended_at_s.unwrap_or(0);
    let mut ready_at_s = BTreeMap::new();
    let mut ended_at_s: BTreeMap<u32, i64> = BTreeMap::new();
    for &at in topology.order() {
        let upstream = topology.upstream(at).iter();
        let latest = upstream.filter_map(|other| ended_at_s.get(other)).max();
        let ready_s = latest.copied().unwrap_or(since_s).max(since_s);
        let own = record.stack(topology.id(at));
        let ended_s = own.and_then(|stack| stack.ended_at_s);
        // A stack that a person marked as done before its turn ends together with its upstream.
        ended_at_s.insert(at, ended_s.unwrap_or(ready_s).max(ready_s));
        let has_failed = own.is_some_and(|stack| stack.state == StackState::Failed);
        let since_s = if has_failed {
            repairable_since_s(ended_s, ready_s)
        } else {
            ready_s
        };
        ready_at_s.insert(at, since_s);
    }
    ready_at_s
}

/// How often runs of stacks failed and were retried.
fn tries(record: &ChainRecord, topology: &Topology) -> BTreeMap<u32, u32> {
    let tried = record
        .progress()
        .iter()
        .filter(|stack| !stack.failed_runs.is_empty());
    tried
        .filter_map(|stack| {
            let tries = u32::try_from(stack.failed_runs.len()).ok()?;
            Some((topology.index(&stack.id)?, tries))
        })
        .collect()
}

/// The settings in the labels of stacks when the chain was planned.
fn policies(chain: &Chain, topology: &Topology) -> BTreeMap<u32, StackPolicy> {
    let own = chain.stacks.iter().filter(|stack| !stack.policy.is_default());
    own.filter_map(|stack| Some((topology.index(&stack.id)?, stack.policy.clone())))
        .collect()
}

fn standing(stack: &StackProgress) -> Standing {
    match stack.state {
        StackState::Waiting | StackState::Running => Standing::Due,
        StackState::Succeeded => Standing::Done,
        StackState::Failed => Standing::Failed,
        StackState::Skipped => {
            let by_failure = stack.reason.as_ref().is_some_and(Reason::is_by_failure);
            if by_failure {
                Standing::SkippedByFailure
            } else {
                Standing::Skipped
            }
        }
    }
}
