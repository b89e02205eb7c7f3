//! Carries out tasks and effects, and rebuilds a lost schedule.

use std::collections::BTreeMap;

use chain::schedule::{Decision, Effect, Event, Listed, Rebuilt};
use chain::{
    ChainId, ChainRecord, DependencyGraph, LabelGrammar, RunChanges, RunFacts, RunId, RunState, StackId,
};

use super::{Entry, Host, RECORDS_LAG_MS, Task, account};
use crate::schedule::world::By;

impl Host {
    /// What those runs changed that are the roots of the requested listing.
    fn changes(&self) -> BTreeMap<RunId, RunChanges> {
        let roots = self.schedule.listed_roots().into_iter();
        roots
            .filter_map(|(stack, run)| Some((run, self.changes.get(&stack)?.clone())))
            .collect()
    }

    pub(super) fn carry_out(&mut self, task: Task) {
        match task {
            Task::Deliver(event) => self.deliver(event),
            Task::List => {
                let graph = DependencyGraph::build(self.world.listing(), &LabelGrammar::default());
                let listed = Listed {
                    graph,
                    policies: Vec::new(),
                    changes: self.changes(),
                    settings: self.settings.clone(),
                };
                self.lists += 1;
                self.deliver(Event::Listed(Box::new(listed)));
            }
            Task::Try { request, again } => self.try_stack(request, again),
            Task::Answer { stack, outcome } => {
                self.open.remove(&stack);
                self.ended.insert(stack.clone(), (self.now_ms, outcome.clone()));
                self.deliver(Event::Attempted { stack, outcome });
            }
            Task::LookAt { stack, run } => {
                if let Some(found) = self.world.run(&run) {
                    let run = found.facts.clone();
                    let is_over = run.state.is_terminal();
                    self.deliver(if is_over {
                        Event::RunEnded { stack, run }
                    } else {
                        Event::RunMoved { stack, run }
                    });
                }
            }
            Task::Stop { run } => {
                let at = self.world.runs.iter().position(|known| known.facts.id == run);
                if let Some(moved) = at.and_then(|at| self.world.stop(at, self.now_ms)) {
                    self.follow(vec![moved]);
                }
            }
            Task::Create { stack, commit } => {
                self.world.create(&stack, By::Us, commit, self.now_ms);
                self.follow(Vec::new());
            }
            Task::Rebuild => self.rebuild(),
        }
    }

    fn rebuild(&mut self) {
        let open = self.records.values().filter(|record| !record.is_over());
        let chains: Vec<ChainRecord> = open.cloned().collect();
        let is_taken_for_running = |id: &RunId| {
            let mut stacks = chains.iter().flat_map(ChainRecord::progress);
            stacks.any(|stack| stack.state == chain::StackState::Running && stack.run.as_ref() == Some(id))
        };
        let runs = self.world.runs.iter();
        let runs = runs.filter(|run| !run.is_over() || is_taken_for_running(&run.facts.id));
        let rebuilt = Rebuilt {
            runs: runs.map(|run| (run.stack.clone(), run.facts.clone())).collect(),
            attempts: self.open.iter().cloned().collect(),
            ended_attempts: self
                .ended
                .iter()
                .filter(|(stack, (at_ms, _))| {
                    *at_ms >= self.now_ms - RECORDS_LAG_MS && !self.open.contains(*stack)
                })
                .map(|(stack, (_, outcome))| (stack.clone(), outcome.clone()))
                .collect(),
            halted_by: self.halted.then(|| "carol".to_owned()),
            halt_reason: None,
            conflicts: self.conflicts(),
            conflict_excused_s: self.resumed_ms() / 1000,
            clean: false,
            now_s: self.now_ms / 1000,
            chains,
        };
        self.apply(Event::Rebuilt(Box::new(rebuilt)));
        let kept = std::mem::take(&mut self.kept);
        let lost_roots = self.lost_roots();
        let requests: Vec<Event> = self.requested.values().cloned().collect();
        for event in kept.into_iter().chain(lost_roots).chain(requests) {
            self.apply(event);
        }
    }

    /// The runs of another Spillway of which the lost schedule heard.
    fn conflicts(&self) -> Vec<(StackId, RunFacts)> {
        let others = self
            .world
            .runs
            .iter()
            .filter(|run| run.facts.other_spillway.is_some());
        others
            .filter(|run| run.is_over())
            .map(|run| (run.stack.clone(), run.facts.clone()))
            .collect()
    }

    /// When a person last allowed triggers again.
    fn resumed_ms(&self) -> i64 {
        let is_resumed = |entry: &Entry| matches!(entry, Entry::Event(Event::Resumed { .. }));
        let mut entries = self.trace.iter().rev();
        entries
            .find(|(_, entry)| is_resumed(entry))
            .map_or(0, |(at_ms, _)| *at_ms)
    }

    /// The ends of followed runs that no chain records, whether the lost schedule knew them or not.
    fn lost_roots(&self) -> Vec<Event> {
        let is_followed = |id: &RunId| {
            let mut tasks = self.tasks.values();
            !tasks.any(|task| matches!(task, Task::Deliver(Event::RunBegan { run, .. }) if run == id))
        };
        let roots = self.world.runs.iter().filter(|run| {
            let chain = ChainId::of_root_run(&account(), &run.facts.id);
            let is_root = run.by != By::Us && run.facts.state == RunState::Finished;
            let is_known = self.is_opened(&chain) || self.needless.contains(&chain);
            is_root && is_followed(&run.facts.id) && !is_known
        });
        let roots = roots.map(|run| Event::RunEnded {
            stack: run.stack.clone(),
            run: run.facts.clone(),
        });
        roots.collect()
    }

    fn is_opened(&self, chain: &ChainId) -> bool {
        self.records.contains_key(chain) || self.refused.contains(chain)
    }

    /// Decides until there is nothing left to decide.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100 {
            if self.random.happens(self.faults.saved) {
                let saved = serde_json::to_string(&self.schedule).unwrap();
                self.schedule = serde_json::from_str(&saved).unwrap();
                assert_eq!(serde_json::to_string(&self.schedule).unwrap(), saved);
            }
            let effects = self.schedule.decide(self.now_ms);
            let is_quiet = effects.is_empty();
            for effect in effects {
                self.carry_out_effect(effect);
            }
            for (chain, changes) in self.schedule.take_changes() {
                if self.random.happens(self.faults.record_unavailable) {
                    self.schedule.give_back(chain, changes);
                    continue;
                }
                let Some(record) = self.records.get_mut(&chain) else {
                    panic!("{chain} is updated before it is opened");
                };
                for change in &changes {
                    record.apply(change);
                }
            }
            let wakes_now = self
                .schedule
                .next_wake_ms()
                .is_some_and(|at_ms| at_ms <= self.now_ms);
            if is_quiet && !wakes_now {
                self.trace.push((self.now_ms, Entry::Idle));
                return;
            }
        }
        panic!("it decides without end");
    }

    fn carry_out_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Rebuild => {
                let is_asked = self.tasks.values().any(|task| matches!(task, Task::Rebuild));
                if !is_asked {
                    let delay = self.delay();
                    self.later(delay + 1, Task::Rebuild);
                }
            }
            Effect::List => {
                let delay = self.delay() + self.listing_ms;
                self.later(delay + 1, Task::List);
            }
            Effect::Attempt(request) => {
                assert!(
                    self.open.insert(request.stack.clone()),
                    "two attempts at {}",
                    request.stack
                );
                let delay = self.delay();
                self.later(
                    delay + 1,
                    Task::Try {
                        request,
                        again: false,
                    },
                );
            }
            Effect::Look { stack, run } => {
                self.looks += 1;
                let delay = self.delay();
                self.later(delay + 1, Task::LookAt { stack, run });
            }
            Effect::Stop { run, .. } => {
                let delay = self.delay();
                self.later(delay + 1, Task::Stop { run });
            }
            Effect::Open(opening) => {
                self.requested.remove(&opening.chain);
                if self.is_opened(&opening.chain) {
                    let gone = Event::ChainGone { chain: opening.chain };
                    return self.apply(gone);
                }
                self.trace.push((self.now_ms, Entry::Planned(opening.clone())));
                match opening.plan {
                    Ok(plan) => {
                        let record = ChainRecord::new(opening.chain.clone(), plan);
                        self.records.insert(opening.chain, record);
                    }
                    Err(_) => drop(self.refused.insert(opening.chain)),
                }
            }
            Effect::Log(decision) => {
                if let Decision::NothingToDo { chain, .. }
                | Decision::Refused { chain, .. }
                | Decision::Quarantined { chain, .. } = &decision
                {
                    self.requested.remove(chain);
                    self.needless.insert(chain.clone());
                }
                self.trace.push((self.now_ms, Entry::Decided(decision)));
            }
        }
    }
}
