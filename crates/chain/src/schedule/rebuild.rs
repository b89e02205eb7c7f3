//! The schedule made anew, from the records of open chains, from Temporal and from Spacelift.

use std::collections::{BTreeMap, BTreeSet};

use super::Schedule;
use super::cause::{Cause, CauseNumber, Plan, Standing, Standings};
use super::message::{Decision, Effect, Rebuilt, reason};
use super::stack::{Doubt, Phase, Seen, UsedRun};
use super::topology::Topology;
use crate::attempt::RunFacts;
use crate::record::{ChainRecord, StackProgress, StackState};
use crate::{ChainSettings, OnFailure, Reason, RunId, StackId};

/// Runs that records of chains take for running: whether we made them, and for which causes.
type Running = BTreeMap<(StackId, RunId), (bool, Vec<CauseNumber>)>;

impl Schedule {
    /// Takes in what is open. Events that came meanwhile follow.
    pub(super) fn rebuilt(&mut self, rebuilt: Rebuilt) {
        if self.state.rebuilt {
            return;
        }
        self.state.rebuilt = true;
        if !rebuilt.clean {
            self.state.knows_since_s = rebuilt.now_s;
        }
        self.state.halted_by = rebuilt.halted_by;
        let chains = rebuilt.chains.len();
        let mut running = Running::new();
        let taken_up: Vec<CauseNumber> = rebuilt
            .chains
            .into_iter()
            .filter_map(|record| self.take_up(&record, &mut running))
            .collect();
        for stack in rebuilt.attempts {
            // For causes that its outcome will name.
            let known = self.state.stacks.entry(stack.clone()).or_default();
            known.attempt = Some(Vec::new());
            known.doubt = Some(Doubt {
                since_ms: self.now_ms,
                causes: Vec::new(),
            });
            self.note_activity(&stack);
        }
        self.find_ready();
        self.take_up_runs(rebuilt.runs, running);
        for number in taken_up {
            self.settle_taken_up(number);
        }
        if chains > 0 || !rebuilt.clean {
            self.log(Decision::Rebuilt { chains });
        }
    }

    fn take_up_runs(&mut self, runs: Vec<(StackId, RunFacts)>, mut running: Running) {
        let (over, open): (Vec<_>, Vec<_>) = runs.into_iter().partition(|(_, run)| run.state.is_terminal());
        for (stack, run) in open {
            let seen = Seen {
                phase: Phase::of(&run, false),
                at_ms: self.now_ms,
            };
            let claim = running.remove(&(stack.clone(), run.id.clone()));
            let known = self.state.stacks.entry(stack.clone()).or_default();
            match claim {
                Some((made, causes)) if known.run.is_none() => {
                    known.run = Some(UsedRun {
                        run: run.id.clone(),
                        made,
                        causes,
                        seen,
                        note: run.waits_for_person().map(str::to_owned),
                    });
                }
                other => {
                    known.others.insert(run.id.clone(), seen);
                    let causes = other.map(|(_, causes)| causes).unwrap_or_default();
                    self.are_due_after_all(&stack, &causes);
                }
            }
            self.note_activity(&stack);
        }
        for (stack, run) in over {
            if let Some((made, causes)) = running.remove(&(stack.clone(), run.id.clone())) {
                self.state.stacks.entry(stack.clone()).or_default();
                self.settle_for(&stack, &run, made, causes);
            }
            self.run_ended(&stack, run);
        }
        // Nobody said what became of these: somebody has to look.
        for ((stack, run), (made, causes)) in running {
            let known = self.state.stacks.entry(stack.clone()).or_default();
            if known.run.is_some() {
                self.are_due_after_all(&stack, &causes);
                continue;
            }
            known.run = Some(UsedRun {
                run: run.clone(),
                made,
                causes,
                seen: Seen::default(),
                note: None,
            });
            self.note_activity(&stack);
            self.state.effects.push(Effect::Look { stack, run });
        }
    }

    /// Two causes wait for two runs of one stack, of which only one can be followed here; a look finds the other.
    fn are_due_after_all(&mut self, stack: &StackId, causes: &[CauseNumber]) {
        for &number in causes {
            self.make_due_again(number, stack, "the schedule was lost");
        }
    }

    /// An open chain becomes a cause again.
    fn take_up(&mut self, record: &ChainRecord, running: &mut Running) -> Option<CauseNumber> {
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
            if let (StackState::Running, Some(run)) = (stack.state, &stack.run) {
                standings[at as usize] = Standing::Running;
                let claim = running.entry((stack.id.clone(), run.clone()));
                let (made, causes) = claim.or_insert((false, Vec::new()));
                *made |= !stack.found;
                causes.push(number);
                if !stack.found {
                    let known = self.state.stacks.entry(stack.id.clone()).or_default();
                    known.remember_own(run);
                }
            }
        }
        let passing = pass_early(&topology, &mut standings);
        let plan = Plan {
            looks_far: topology.has_native(),
            ready_at_s: ready_at_s(record, &topology),
            topology: self.keep_topology(topology),
            settings: chain.settings.clone(),
            repository: chain.root_repository.clone(),
            standings: Standings::new(standings),
            passing,
            slots: 0,
        };
        let cause = Cause {
            chain: record.id().clone(),
            root: chain.root.clone(),
            by: None,
            plan: Some(plan),
            paused: record.is_paused(),
            stopped: None,
            is_gone: false,
        };
        self.state.causes.insert(number, cause);
        if let Some(why) = record.cancelled() {
            self.skip_all_due(number, why);
        }
        Some(number)
    }

    /// What follows from what the record says, and was not told before the schedule was lost.
    fn settle_taken_up(&mut self, number: CauseNumber) {
        let Some(plan) = self.plan_of(number) else {
            return;
        };
        let ChainSettings { on_failure, .. } = plan.settings;
        let Some(topology) = self.state.topologies.get(&plan.topology) else {
            return;
        };
        let is_failed = |&(_, standing): &(u32, Standing)| standing == Standing::Failed;
        let failed: Vec<(u32, StackId)> = plan
            .standings
            .iter()
            .filter(is_failed)
            .map(|(at, _)| (at, topology.id(at).clone()))
            .collect();
        for (at, stack) in failed {
            if on_failure != OnFailure::Continue {
                let skipped = self.skip_downstream(number, at, &stack);
                self.over_by_failure(number, skipped);
            }
            if on_failure == OnFailure::Stop {
                let text = format!("the chain stopped when `{stack}` failed");
                self.skip_all_due(number, &reason("chain_stopped", text));
            }
        }
    }
}

/// What is over before its upstream is, since a person did it, is passed over.
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

/// When everything upstream of each stack had ended, as far as it has; for one that failed, when it did.
fn ready_at_s(record: &ChainRecord, topology: &Topology) -> BTreeMap<u32, i64> {
    let since_s = record.chain().root.ended_at_s.unwrap_or(0);
    let mut ready_at_s = BTreeMap::new();
    let mut ended_at_s: BTreeMap<u32, i64> = BTreeMap::new();
    for &at in topology.order() {
        let upstream = topology.upstream(at).iter();
        let latest = upstream.filter_map(|other| ended_at_s.get(other)).max();
        let ready_s = latest.copied().unwrap_or(since_s).max(since_s);
        let own = record.stack(topology.id(at));
        let ended_s = own.and_then(|stack| stack.ended_at_s).unwrap_or(ready_s);
        ended_at_s.insert(at, ended_s);
        let has_failed = own.is_some_and(|stack| stack.state == StackState::Failed);
        ready_at_s.insert(at, if has_failed { ended_s } else { ready_s });
    }
    ready_at_s
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
