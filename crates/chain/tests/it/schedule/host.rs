//! Carries out the schedule's effects: followers, executions and chain records, with all their faults.

mod effects;
mod execution;

use std::collections::{BTreeMap, BTreeSet};

use chain::attempt::{AttemptOutcome, AttemptRequest};
use chain::retry::{self, RetryScope};
use chain::schedule::{Control, Decision, Event, Opening, Rebuilt};
use chain::{
    AccountName, ChainId, ChainRecord, Change, Root, RunChanges, RunId, RunState, Schedule, ScheduleSettings,
    StackId,
};

use super::random::Random;
use super::world::{By, Moved, World};

/// How often faults occur, in thousandths.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    /// An attempt does not reach Spacelift.
    pub(crate) trouble: u32,
    pub(crate) refused: u32,
    /// The execution dies after the trigger, and tries again.
    pub(crate) crash: u32,
    /// The answer to a trigger is lost.
    pub(crate) ambiguous: u32,
    /// The request for a run stays on its way, and Spacelift creates the run a minute later.
    pub(crate) late_created: u32,
    /// A webhook is lost, so the follower looks minutes later.
    pub(crate) late: u32,
    pub(crate) twice: u32,
    /// The state is saved and loaded.
    pub(crate) saved: u32,
    /// A record cannot be updated now.
    pub(crate) record_unavailable: u32,
    /// The longest delay of a message.
    pub(crate) delay_ms: u32,
}

/// Something to do later.
#[derive(Debug, Clone)]
enum Task {
    Deliver(Event),
    List,
    Try { request: AttemptRequest, again: bool },
    Answer { stack: StackId, outcome: AttemptOutcome },
    Rebuild,
    Stop { run: RunId },
    LookAt { stack: StackId, run: RunId },
    Create { stack: StackId, commit: u32 },
}

/// What happened, in order, for the oracle.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    Event(Event),
    Decided(Decision),
    Planned(Box<Opening>),
    /// We triggered a run, by its number in the world, for these chains.
    Made {
        run: usize,
        request: AttemptRequest,
    },
    Lost,
    /// Everything that can be decided now is decided.
    Idle,
}

/// Attempts that ended this long before a rebuild are reported again.
const RECORDS_LAG_MS: i64 = 30_000;

pub(crate) struct Host {
    pub(crate) now_ms: i64,
    pub(crate) world: World,
    pub(crate) schedule: Schedule,
    pub(crate) settings: ScheduleSettings,
    pub(crate) records: BTreeMap<ChainId, ChainRecord>,
    pub(crate) trace: Vec<(i64, Entry)>,
    pub(crate) faults: Faults,
    pub(crate) halted: bool,
    /// What the runs of stacks changed, if requested.
    pub(crate) changes: BTreeMap<StackId, RunChanges>,
    pub(crate) lists: usize,
    /// How much longer a listing takes than another message.
    pub(crate) listing_ms: i64,
    /// How often a look at a run was requested.
    pub(crate) looks: usize,
    random: Random,
    tasks: BTreeMap<(i64, u64), Task>,
    /// Events that arrived during a rebuild.
    kept: Vec<Event>,
    number: u64,
    /// Open executions.
    open: BTreeSet<StackId>,
    /// When the last execution of each stack ended, and how.
    ended: BTreeMap<StackId, (i64, AttemptOutcome)>,
    /// Requests without any effect yet. They are reported again after a loss.
    requested: BTreeMap<ChainId, Event>,
    /// Chains whose record says that they were refused.
    refused: BTreeSet<ChainId>,
    /// Causes that had nothing to do or were refused. The history of a lost schedule says so.
    needless: BTreeSet<ChainId>,
    followed: usize,
    pub(crate) trouble_until_ms: i64,
    /// Spacelift says when to come again.
    pub(crate) retry_after_ms: Option<i64>,
    /// Nothing starts before this moment.
    pub(crate) frozen_until_ms: i64,
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
            changes: BTreeMap::new(),
            lists: 0,
            listing_ms: 0,
            looks: 0,
            random,
            tasks: BTreeMap::new(),
            kept: Vec::new(),
            number: 0,
            open: BTreeSet::new(),
            ended: BTreeMap::new(),
            requested: BTreeMap::new(),
            refused: BTreeSet::new(),
            needless: BTreeSet::new(),
            followed: 0,
            trouble_until_ms: 0,
            retry_after_ms: None,
            frozen_until_ms: 0,
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

    pub(crate) fn deliver(&mut self, event: Event) {
        if self.schedule.is_rebuilt() {
            self.apply(event);
        } else {
            self.kept.push(event);
        }
    }

    fn apply(&mut self, event: Event) {
        if let Event::Requested { chain, .. } = &event {
            self.requested.insert(chain.clone(), event.clone());
        }
        self.trace.push((self.now_ms, Entry::Event(event.clone())));
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
            only: None,
        };
        self.deliver(event);
        chain
    }

    /// Requests a retry, as the command does.
    pub(crate) fn retry(&mut self, before: &ChainId, scope: &RetryScope) -> ChainId {
        let record = &self.records[before];
        let only: Vec<StackId> = retry::stacks(record, scope).unwrap();
        let root = retry::root(&record.chain().root, Some(record), before, Some(&only), None);
        let is_free =
            |chain: &ChainId| !self.records.contains_key(chain) && !self.requested.contains_key(chain);
        let mut retries = (1..).map(|number| ChainId::of_retry(&before.first(), number));
        let chain = retries.find(is_free).unwrap();
        let event = Event::Requested {
            chain: chain.clone(),
            root,
            by: Some("carol".to_owned()),
            only: Some(only),
        };
        self.deliver(event);
        chain
    }

    pub(crate) fn control(&mut self, chain: &ChainId, control: Control) {
        if self.record_control(chain, control) {
            self.deliver_control(chain, control);
        }
    }

    /// The schedule is lost before it reads an order.
    pub(crate) fn control_and_lose(&mut self, chain: &ChainId, control: Control) {
        if self.record_control(chain, control) {
            self.lose();
        }
    }

    /// Writes an order to the record of an open chain, as its chain does first. Returns whether the chain is open.
    pub(crate) fn record_control(&mut self, chain: &ChainId, control: Control) -> bool {
        let open = self.records.get_mut(chain).filter(|record| !record.is_over());
        let at_ms = self.now_ms;
        let change = Change::Controlled {
            control,
            by: "carol".to_owned(),
            at_ms,
            reason: None,
        };
        open.map(|record| record.apply(&change)).is_some()
    }

    fn deliver_control(&mut self, chain: &ChainId, control: Control) {
        let event = Event::Controlled {
            chain: chain.clone(),
            control,
            by: "carol".to_owned(),
            reason: None,
        };
        self.deliver(event);
    }

    pub(crate) fn halt(&mut self, halted: bool) {
        self.halted = halted;
        let by = "carol".to_owned();
        self.deliver(if halted {
            Event::Halted { by, reason: None }
        } else {
            Event::Resumed { by, reason: None }
        });
    }

    pub(crate) fn freeze_for(&mut self, ms: i64) {
        self.frozen_until_ms = self.now_ms + ms;
    }

    pub(crate) fn thaw(&mut self) {
        self.frozen_until_ms = 0;
        self.deliver(Event::Thawed {
            by: "carol".to_owned(),
        });
    }

    /// The schedule is terminated and starts again.
    pub(crate) fn lose(&mut self) {
        self.trace.push((self.now_ms, Entry::Lost));
        self.schedule = Schedule::new(account(), self.settings.clone());
        self.tasks
            .retain(|_, task| !matches!(task, Task::List | Task::Rebuild));
        self.settle();
    }

    /// Followers learn about new runs and state changes.
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
                self.later(delay, Task::Deliver(event));
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
                    self.later(delay + again, Task::Deliver(event.clone()));
                }
                self.later(delay, Task::Deliver(event));
            } else if matches!(run.state, RunState::Unconfirmed | RunState::Confirmed) {
                self.later(delay, Task::Deliver(Event::RunMoved { stack, run }));
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

    /// An attempt at the stack has looked, and its outcome is in transit.
    pub(crate) fn has_answer(&self, stack: &str) -> bool {
        let mut tasks = self.tasks.values();
        tasks.any(|task| matches!(task, Task::Answer { stack: of, .. } if of.as_str() == stack))
    }

    /// The last attempt at the stack has ended.
    pub(crate) fn has_ended(&self, stack: &str) -> bool {
        let is_of_stack = |of: &StackId| of.as_str() == stack;
        self.ended.keys().any(is_of_stack) && !self.open.iter().any(is_of_stack)
    }
}
