//! What carries out the schedule's effects: followers, executions, chain records, and all that can go wrong with them.

mod execution;

use std::collections::{BTreeMap, BTreeSet};

use chain::attempt::{AttemptOutcome, AttemptRequest};
use chain::schedule::{Control, Decision, Effect, Event, Listed, Opening, Rebuilt};
use chain::{
    AccountName, ChainId, ChainRecord, DependencyGraph, LabelGrammar, Root, RunId, RunState, Schedule,
    ScheduleSettings, StackId,
};

use super::random::Random;
use super::world::{By, Moved, World};

/// How often things go wrong, of a thousand times.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// An attempt does not reach Spacelift.
    pub(crate) trouble: u32,
    pub(crate) refused: u32,
    /// The execution dies after it triggered, and tries again.
    pub(crate) crash: u32,
    /// The answer to a trigger is lost.
    pub(crate) ambiguous: u32,
    /// A webhook is lost: the follower looks minutes later.
    pub(crate) late: u32,
    pub(crate) twice: u32,
    /// The state is saved and loaded.
    pub(crate) saved: u32,
    /// A record cannot be told now.
    pub(crate) untold: u32,
    /// How long messages take, at most.
    pub(crate) delay_ms: u32,
}

/// Something to do later.
#[derive(Debug, Clone)]
enum Task {
    Tell(Event),
    List,
    Try { request: AttemptRequest, again: bool },
    Answer { stack: StackId, outcome: AttemptOutcome },
    Rebuild,
    LookAt { stack: StackId, run: RunId },
}

/// What happened, in order: the oracle reads it.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Told(Event),
    Decided(Decision),
    Planned(Box<Opening>),
    /// We made a run, by its number in the world, for these chains.
    Made {
        run: usize,
        request: AttemptRequest,
    },
    Lost,
    /// Everything that could be decided now is decided.
    Settled,
}

pub(crate) struct Host {
    pub(crate) now_ms: i64,
    pub(crate) world: World,
    pub(crate) schedule: Schedule,
    pub(crate) settings: ScheduleSettings,
    pub(crate) records: BTreeMap<ChainId, ChainRecord>,
    pub(crate) trace: Vec<(i64, Entry)>,
    pub(crate) faults: Faults,
    pub(crate) halted: bool,
    pub(crate) lists: usize,
    random: Random,
    tasks: BTreeMap<(i64, u64), Task>,
    /// Told while the schedule was being rebuilt.
    kept: Vec<Event>,
    number: u64,
    /// Executions that are open.
    open: BTreeSet<StackId>,
    /// Causes that were told, and of which nothing has come yet: a sweep tells them again after a loss.
    unsettled: BTreeMap<ChainId, Event>,
    followed: usize,
    pub(crate) trouble_until_ms: i64,
}

pub(crate) fn account() -> AccountName {
    "acme".parse().unwrap()
}

impl Host {
    pub(crate) fn new(world: World, settings: ScheduleSettings, faults: Faults, random: Random) -> Self {
        let mut host = Self {
            now_ms: 1_700_000_000_000,
            world,
            schedule: Schedule::new(account(), settings.clone()),
            settings,
            records: BTreeMap::new(),
            trace: Vec::new(),
            faults,
            halted: false,
            lists: 0,
            random,
            tasks: BTreeMap::new(),
            kept: Vec::new(),
            number: 0,
            open: BTreeSet::new(),
            unsettled: BTreeMap::new(),
            followed: 0,
            trouble_until_ms: 0,
        };
        host.schedule.decide(host.now_ms);
        let clean = Rebuilt {
            clean: true,
            now_s: host.now_ms / 1000,
            ..Rebuilt::default()
        };
        host.schedule.apply(Event::Rebuilt(Box::new(clean)), host.now_ms);
        host
    }

    fn later(&mut self, in_ms: i64, task: Task) {
        self.number += 1;
        self.tasks.insert((self.now_ms + in_ms, self.number), task);
    }

    fn delay(&mut self) -> i64 {
        let most = self.faults.delay_ms.max(1);
        i64::from(self.random.below(most))
    }

    pub(crate) fn tell(&mut self, event: Event) {
        if self.schedule.is_rebuilt() {
            self.apply(event);
        } else {
            self.kept.push(event);
        }
    }

    fn apply(&mut self, event: Event) {
        if let Event::RunEnded { stack: _, run } = &event
            && run.state == RunState::Finished
            && !run.ours
        {
            let chain = ChainId::of_root_run(&account(), &run.id);
            if !self.records.contains_key(&chain) {
                self.unsettled.entry(chain).or_insert_with(|| event.clone());
            }
        }
        if let Event::Requested { chain, .. } = &event {
            self.unsettled.insert(chain.clone(), event.clone());
        }
        self.trace.push((self.now_ms, Entry::Told(event.clone())));
        self.schedule.apply(event, self.now_ms);
    }

    pub(crate) fn request(&mut self, name: &str, stack: &StackId) -> ChainId {
        let chain = ChainId::of_request(&account(), name);
        let root = Root::requested(account(), stack.clone(), "main");
        let by = Some("carol".to_owned());
        let event = Event::Requested {
            chain: chain.clone(),
            root,
            by,
        };
        self.tell(event);
        chain
    }

    pub(crate) fn control(&mut self, chain: &ChainId, control: Control) {
        let event = Event::Controlled {
            chain: chain.clone(),
            control,
            by: "carol".to_owned(),
        };
        self.tell(event);
    }

    pub(crate) fn halt(&mut self, halted: bool) {
        self.halted = halted;
        let by = "carol".to_owned();
        self.tell(if halted {
            Event::Halted { by }
        } else {
            Event::Resumed { by }
        });
    }

    /// The schedule is terminated, and begins anew.
    pub(crate) fn lose(&mut self) {
        self.trace.push((self.now_ms, Entry::Lost));
        self.schedule = Schedule::new(account(), self.settings.clone());
        self.tasks
            .retain(|_, task| !matches!(task, Task::List | Task::Rebuild));
        self.settle();
    }

    /// Followers learn of new runs, and of what runs do.
    fn follow(&mut self, moved: Vec<Moved>) {
        while self.followed < self.world.runs.len() {
            let run = self.world.runs[self.followed].clone();
            self.followed += 1;
            if run.by != By::Us {
                let delay = self.delay();
                let event = Event::RunBegan {
                    stack: run.stack,
                    run: run.facts.id,
                };
                self.later(delay, Task::Tell(event));
            }
        }
        for Moved(at) in moved {
            let run = self.world.runs[at].clone();
            let delay = self.delay();
            let (stack, run) = (run.stack, run.facts);
            if run.state.is_terminal() {
                let late = self.random.happens(self.faults.late);
                let delay = if late { delay + 120_000 } else { delay };
                let event = Event::RunEnded { stack, run };
                if self.random.happens(self.faults.twice) {
                    let again = self.delay() * 5;
                    self.later(delay + again, Task::Tell(event.clone()));
                }
                self.later(delay, Task::Tell(event));
            } else if matches!(run.state, RunState::Unconfirmed | RunState::Confirmed) {
                self.later(delay, Task::Tell(Event::RunMoved { stack, run }));
            }
        }
    }

    pub(crate) fn advance_world(&mut self) {
        let moved = self.world.advance(self.now_ms);
        self.follow(moved);
    }

    pub(crate) fn person_decides(&mut self, at: usize, confirm: bool) {
        if let Some(moved) = self.world.decide(at, confirm, self.now_ms) {
            self.follow(vec![moved]);
        }
    }

    pub(crate) fn run_for(&mut self, ms: i64) {
        let until_ms = self.now_ms + ms;
        self.follow(Vec::new());
        self.settle();
        loop {
            let next = [
                self.tasks.keys().next().map(|(at_ms, _)| *at_ms),
                self.world.next_ms(),
                self.schedule.next_wake_ms(),
            ];
            let next = next
                .into_iter()
                .flatten()
                .min()
                .filter(|at_ms| *at_ms <= until_ms);
            let Some(at_ms) = next else {
                self.now_ms = until_ms;
                return;
            };
            self.now_ms = at_ms.max(self.now_ms);
            self.advance_world();
            while let Some(entry) = self
                .tasks
                .first_entry()
                .filter(|entry| entry.key().0 <= self.now_ms)
            {
                let task = entry.remove();
                self.carry_out(task);
            }
            self.settle();
        }
    }

    fn carry_out(&mut self, task: Task) {
        match task {
            Task::Tell(event) => self.tell(event),
            Task::List => {
                let graph = DependencyGraph::build(self.world.listing(), &LabelGrammar::default());
                let listed = Listed {
                    graph,
                    policies: Vec::new(),
                    settings: self.settings.clone(),
                };
                self.lists += 1;
                self.tell(Event::Listed(Box::new(listed)));
            }
            Task::Try { request, again } => self.try_stack(request, again),
            Task::Answer { stack, outcome } => {
                self.open.remove(&stack);
                self.tell(Event::Attempted { stack, outcome });
            }
            Task::LookAt { stack, run } => {
                if let Some(found) = self.world.run(&run) {
                    let run = found.facts.clone();
                    let is_over = run.state.is_terminal();
                    self.tell(if is_over {
                        Event::RunEnded { stack, run }
                    } else {
                        Event::RunMoved { stack, run }
                    });
                }
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
            halted_by: self.halted.then(|| "carol".to_owned()),
            clean: false,
            now_s: self.now_ms / 1000,
            chains,
        };
        self.apply(Event::Rebuilt(Box::new(rebuilt)));
        let kept = std::mem::take(&mut self.kept);
        let unsettled: Vec<Event> = self.unsettled.values().cloned().collect();
        for event in kept.into_iter().chain(unsettled) {
            self.apply(event);
        }
    }

    /// Decides until nothing is left to decide now.
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
                if self.random.happens(self.faults.untold) {
                    self.schedule.give_back(chain, changes);
                    continue;
                }
                let Some(record) = self.records.get_mut(&chain) else {
                    panic!("{chain} is told before it is opened");
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
                self.trace.push((self.now_ms, Entry::Settled));
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
                let delay = self.delay();
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
                let delay = self.delay();
                self.later(delay + 1, Task::LookAt { stack, run });
            }
            Effect::Open(opening) => {
                self.unsettled.remove(&opening.chain);
                if self.records.contains_key(&opening.chain) {
                    let gone = Event::ChainGone { chain: opening.chain };
                    return self.apply(gone);
                }
                self.trace.push((self.now_ms, Entry::Planned(opening.clone())));
                if let Ok(plan) = opening.plan {
                    let record = ChainRecord::new(opening.chain.clone(), plan);
                    self.records.insert(opening.chain, record);
                }
            }
            Effect::Log(decision) => {
                if let Decision::NothingToDo { chain, .. }
                | Decision::Refused { chain, .. }
                | Decision::Quarantined { chain, .. } = &decision
                {
                    self.unsettled.remove(chain);
                }
                self.trace.push((self.now_ms, Entry::Decided(decision)));
            }
        }
    }
}
