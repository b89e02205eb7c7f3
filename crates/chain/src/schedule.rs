//! The one place that decides which stack runs, when, and for which causes.
//!
//! A state machine without I/O: [`Schedule::apply`] is told what happened, [`Schedule::decide`] says what to do, and the
//! clock is an argument. Its state can be saved at any time, and it can be lost: [`Event::Rebuilt`] makes it anew.

mod attempts;
mod cause;
mod ends;
mod joins;
mod message;
mod outcomes;
mod planning;
mod quarantine;
mod ready;
mod rebuild;
mod stack;
mod standing;
mod steering;
mod telling;
mod topology;
mod why;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

pub use message::{Control, Decision, Effect, Event, Listed, Opening, Rebuilt};
pub use why::{ScheduleReport, StackReport};

use crate::record::Change;
use crate::{AccountName, ChainId, ChainSettings, RunId, StackId};
use cause::{Cause, CauseNumber, Plan};
use ready::Ready;
use stack::Stack;
use topology::Topology;

/// The version of the saved state. A worker that meets a newer one leaves it alone, since it would drop fields.
pub const STATE_VERSION: u32 = 1;

/// How long the end of a run is remembered: the same end may be told again until then. So long is it remembered, too, that
/// an attempt may have made a run for a stack that nobody needs any more.
const REMEMBERED_MS: i64 = 3_600_000;

/// How often what was remembered is looked through.
const FORGET_EVERY_MS: i64 = 60_000;

/// What shapes the schedule of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduleSettings {
    pub chain: ChainSettings,
    /// How many runs of ours may work at once, over all chains.
    pub parallel_runs_of_account: NonZeroU32,
    /// How long a stack that could run waits for something upstream that is due in another chain or under way.
    pub join_wait_ms: i64,
    /// How often Spacelift may refuse a trigger before the stack fails.
    pub trigger_attempts: u32,
    /// How long a stack is tried while Spacelift cannot do it.
    pub trigger_patience_ms: i64,
    /// The first pause after an attempt that failed.
    pub backoff_ms: i64,
    /// The longest pause between attempts, and between looks at a lock.
    pub longest_pause_ms: i64,
    /// Whether the end of a drift run starts a chain.
    pub drift_runs: bool,
}

impl Default for ScheduleSettings {
    fn default() -> Self {
        Self {
            chain: ChainSettings::default(),
            parallel_runs_of_account: const { NonZeroU32::new(30).unwrap() },
            join_wait_ms: 600_000,
            trigger_attempts: 3,
            trigger_patience_ms: 7_200_000,
            backoff_ms: 5_000,
            longest_pause_ms: 300_000,
            drift_runs: false,
        }
    }
}

/// All causes that are open, and all stacks to which something may still happen.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "State", into = "State")]
pub struct Schedule {
    state: State,
    ready: Ready,
    now_ms: i64,
    next_wake_ms: Option<i64>,
    /// Stacks with an attempt or a run that is not over. They can be computed from the state, as what is ready can.
    active: BTreeSet<StackId>,
    /// Stacks that may have nothing any more that matters.
    touched: BTreeSet<StackId>,
    /// Causes of which the records are being opened: nothing is tried for them before that is done.
    opening: BTreeSet<CauseNumber>,
    forgot_at_ms: i64,
    asked_to_rebuild: bool,
}

/// What is saved.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    version: u32,
    account: AccountName,
    settings: ScheduleSettings,
    /// Whether what was open before is known.
    rebuilt: bool,
    /// Runs of our own key from before this second may have been made by a schedule that was lost.
    knows_since_s: i64,
    causes: BTreeMap<CauseNumber, Cause>,
    next_cause: CauseNumber,
    topologies: BTreeMap<u32, Topology>,
    next_topology: u32,
    listing: Option<Listing>,
    /// A listing is under way, which serves the causes below this number.
    listing_below: Option<CauseNumber>,
    stacks: BTreeMap<StackId, Stack>,
    /// Runs that are over.
    ends: BTreeMap<RunId, RunEnd>,
    halted_by: Option<String>,
    /// What the records of chains have still to be told.
    untold: BTreeMap<ChainId, Vec<Change>>,
    /// What has still to be said to be done.
    #[serde(default)]
    effects: Vec<Effect>,
}

/// The newest listing of the account.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Listing {
    listed_at_ms: i64,
    /// Which of the topologies.
    topology: u32,
    /// Stacks that Spacelift itself runs after others, with those others.
    native_upstream: BTreeMap<StackId, Vec<String>>,
    policies: Vec<String>,
}

/// A run that is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct RunEnd {
    told_ms: i64,
    /// We made it.
    made: bool,
}

impl From<State> for Schedule {
    fn from(state: State) -> Self {
        let mut schedule = Self {
            touched: state.stacks.keys().cloned().collect(),
            state,
            ready: Ready::default(),
            now_ms: 0,
            next_wake_ms: None,
            active: BTreeSet::new(),
            opening: BTreeSet::new(),
            forgot_at_ms: 0,
            asked_to_rebuild: false,
        };
        // What a newer version wrote, this one cannot judge: whoever asks for the version leaves it alone.
        if schedule.state.version <= STATE_VERSION {
            schedule.quarantine_broken();
        }
        schedule.find_ready();
        let stacks: Vec<StackId> = schedule.touched.iter().cloned().collect();
        for stack in stacks {
            schedule.note_activity(&stack);
        }
        schedule
    }
}

impl From<Schedule> for State {
    fn from(schedule: Schedule) -> Self {
        schedule.state
    }
}

impl Schedule {
    /// A schedule that knows nothing yet: it asks for what is open first.
    pub fn new(account: AccountName, settings: ScheduleSettings) -> Self {
        State {
            version: STATE_VERSION,
            account,
            settings,
            rebuilt: false,
            knows_since_s: 0,
            causes: BTreeMap::new(),
            next_cause: 0,
            topologies: BTreeMap::new(),
            next_topology: 0,
            listing: None,
            listing_below: None,
            stacks: BTreeMap::new(),
            ends: BTreeMap::new(),
            halted_by: None,
            untold: BTreeMap::new(),
            effects: Vec::new(),
        }
        .into()
    }

    /// The version of the state, which may be newer than this code.
    pub fn version(&self) -> u32 {
        self.state.version
    }

    pub fn account(&self) -> &AccountName {
        &self.state.account
    }

    /// Whether it knows what is open. Until then it takes no other event than [`Event::Rebuilt`].
    pub fn is_rebuilt(&self) -> bool {
        self.state.rebuilt
    }

    /// Nothing is open, and nobody has to be told anything.
    pub fn is_idle(&self) -> bool {
        let state = &self.state;
        state.rebuilt
            && state.causes.is_empty()
            && state.listing_below.is_none()
            && state.untold.is_empty()
            && state.halted_by.is_none()
            && state
                .stacks
                .values()
                .all(|stack| !stack.is_active() && stack.doubt.is_none())
    }

    /// The stacks at which an attempt is under way.
    pub fn attempts_under_way(&self) -> Vec<StackId> {
        let stacks = self.state.stacks.iter();
        stacks
            .filter(|(_, stack)| stack.attempt.is_some())
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Whether a listing of the account is under way.
    pub fn is_listing(&self) -> bool {
        self.state.listing_below.is_some()
    }

    /// The attempts that are under way, with the causes of each.
    fn attempts(&self) -> impl Iterator<Item = &Vec<CauseNumber>> {
        let stacks = self
            .active
            .iter()
            .filter_map(|stack| self.state.stacks.get(stack));
        stacks.filter_map(|stack| stack.attempt.as_ref())
    }

    /// When to decide again though nothing happens.
    pub fn next_wake_ms(&self) -> Option<i64> {
        self.next_wake_ms
    }

    /// Takes in what happened.
    pub fn apply(&mut self, event: Event, now_ms: i64) {
        self.now_ms = now_ms;
        match event {
            Event::Requested { chain, root, by } => self.requested(chain, root, by),
            Event::RunBegan { stack, run } => self.run_began(&stack, run),
            Event::RunMoved { stack, run } => self.run_moved(&stack, &run),
            Event::RunEnded { stack, run } => self.run_ended(&stack, run),
            Event::Listed(listed) => self.listed(*listed),
            Event::Attempted { stack, outcome } => self.attempted(&stack, outcome),
            Event::Controlled { chain, control, by } => self.controlled(&chain, control, &by),
            Event::DoneByHand { stack, by } => self.done_by_hand(&stack, &by),
            Event::Released { stack, by } => self.released(&stack, &by),
            Event::Halted { by } => self.halted(by),
            Event::Resumed { by } => self.resumed(by),
            Event::ChainGone { chain } => self.chain_gone(&chain),
            Event::Rebuilt(rebuilt) => self.rebuilt(*rebuilt),
        }
    }

    /// Says what is to be done now. Each thing is said once.
    pub fn decide(&mut self, now_ms: i64) -> Vec<Effect> {
        self.now_ms = now_ms;
        self.next_wake_ms = None;
        if self.state.rebuilt {
            self.quarantine_stuck();
            self.close_causes();
            self.forget();
            self.list();
            self.wait_for_openings();
            self.start_attempts();
            self.wake_to_tell();
        } else if !std::mem::replace(&mut self.asked_to_rebuild, true) {
            self.state.effects.push(Effect::Rebuild);
        }
        std::mem::take(&mut self.state.effects)
    }

    /// A chain whose record cannot be opened, since it was there before, must run nothing.
    fn wait_for_openings(&mut self) {
        let opened = self.state.effects.iter().filter_map(|effect| match effect {
            Effect::Open(opening) => self.cause_of(&opening.chain),
            _ => None,
        });
        self.opening = opened.collect();
        if !self.opening.is_empty() {
            self.wake_at(self.now_ms);
        }
    }

    fn log(&mut self, decision: Decision) {
        self.state.effects.push(Effect::Log(decision));
    }

    fn cause_of(&self, chain: &ChainId) -> Option<CauseNumber> {
        self.state
            .causes
            .iter()
            .find(|(_, cause)| cause.chain == *chain)
            .map(|(number, _)| *number)
    }

    fn plan_of(&self, number: CauseNumber) -> Option<&Plan> {
        self.state.causes.get(&number)?.plan.as_ref()
    }

    fn plan_of_mut(&mut self, number: CauseNumber) -> Option<&mut Plan> {
        self.state.causes.get_mut(&number)?.plan.as_mut()
    }

    /// The topology of a planned cause.
    fn topology(&self, number: CauseNumber) -> Option<&Topology> {
        let plan = self.state.causes.get(&number)?.plan.as_ref()?;
        self.state.topologies.get(&plan.topology)
    }

    /// The earlier of the wakes that are asked for.
    fn wake_at(&mut self, at_ms: i64) {
        let earlier = self.next_wake_ms.is_none_or(|known| at_ms < known);
        if earlier {
            self.next_wake_ms = Some(at_ms);
        }
    }

    /// Ends the causes of which every stack has an outcome.
    fn close_causes(&mut self) {
        let over: Vec<CauseNumber> = self
            .state
            .causes
            .iter()
            .filter(|(_, cause)| cause.plan.as_ref().is_some_and(|plan| plan.standings.is_over()))
            .map(|(number, _)| *number)
            .collect();
        for number in over {
            self.tell(number, Change::Over { at_ms: self.now_ms });
            self.state.causes.remove(&number);
        }
    }

    /// Whether anything happens to the stack, for those who ask for all such stacks.
    fn note_activity(&mut self, stack: &StackId) {
        let is_active = |known: &Stack| known.is_active() || !known.others.is_empty();
        if self.state.stacks.get(stack).is_some_and(is_active) {
            self.active.insert(stack.clone());
        } else {
            self.active.remove(stack);
            self.touched.insert(stack.clone());
        }
    }

    /// Drops what nothing refers to any more.
    fn forget(&mut self) {
        let state = &mut self.state;
        let long_ago_ms = self.now_ms - REMEMBERED_MS;
        if self.forgot_at_ms <= self.now_ms - FORGET_EVERY_MS {
            self.forgot_at_ms = self.now_ms;
            state.ends.retain(|_, end| end.told_ms > long_ago_ms);
        }
        self.touched.retain(|id| {
            let Some(stack) = state.stacks.get_mut(id) else {
                return false;
            };
            let is_needed = stack.ready_since_ms.is_some() || stack.is_active();
            stack
                .doubt
                .take_if(|doubt| !is_needed && doubt.since_ms <= long_ago_ms);
            if stack.is_idle() {
                state.stacks.remove(id);
                return false;
            }
            stack.doubt.is_some()
        });
        let plans = state.causes.values().filter_map(|cause| cause.plan.as_ref());
        let listed = state.listing.as_ref().map(|listing| listing.topology);
        let used: BTreeSet<u32> = plans.map(|plan| plan.topology).chain(listed).collect();
        state.topologies.retain(|number, _| used.contains(number));
    }
}
