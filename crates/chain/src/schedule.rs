//! Decides which stack runs, when, and for which causes. Nothing else does.
//!
//! A state machine without I/O: [`Schedule::apply`] takes what happened, [`Schedule::decide`] returns what to do, and
//! the clock is an argument. The state can be saved at any time, and it can be lost: [`Event::Rebuilt`] builds it
//! again.

mod attempts;
mod cause;
mod conflict;
mod control;
mod deadlines;
mod ends;
mod failure;
mod forget;
mod joins;
mod message;
mod outbox;
mod outcomes;
mod own_runs;
mod planning;
mod quarantine;
mod ready;
mod rebuild;
mod repair;
mod run_retries;
mod settings;
mod stack;
mod standing;
mod steering;
mod topology;
mod waiting;
mod why;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use conflict::CONFLICT_LASTS_S;
pub use control::Control;
pub use message::{Decision, Effect, Event, Listed, Opening, Rebuilt};
pub use repair::Differences;
pub use settings::ScheduleSettings;
pub use waiting::{Waiting, WaitingKind};
pub use why::{ScheduleReport, StackPhase, StackReport};

use crate::record::Change;
use crate::{AccountName, ChainId, RunId, StackId};
use cause::{Cause, CauseNumber, Plan};
use conflict::Conflict;
use own_runs::OwnRuns;
use ready::Ready;
use stack::Stack;
use topology::Topology;

/// The version of the saved state. A worker that meets a newer one leaves it alone, since it would drop fields.
pub const STATE_VERSION: u32 = 1;

/// How long the end of a run is remembered, because it may be reported again. An attempt that may have triggered a run
/// of a stack that no cause needs any more is remembered for the same time.
const REMEMBERED_MS: i64 = 3_600_000;

/// All open causes, and all stacks to which something may still happen.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "State", into = "State")]
pub struct Schedule {
    state: State,
    ready: Ready,
    now_ms: i64,
    next_wake_ms: Option<i64>,
    /// Stacks with an attempt or an unfinished run. They can be computed from the state, as the ready stacks can.
    active: BTreeSet<StackId>,
    /// Stacks that may have no relevant state left.
    touched: BTreeSet<StackId>,
    /// Causes whose records are being opened. No stack is tried for them until that is done.
    opening: BTreeSet<CauseNumber>,
    forgot_at_ms: i64,
    /// The next moment at which something may be late.
    next_deadline_ms: Option<i64>,
    asked_to_rebuild: bool,
}

/// The saved part of the schedule.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    version: u32,
    account: AccountName,
    settings: ScheduleSettings,
    /// Whether the chains and runs that were open before are known.
    rebuilt: bool,
    /// Runs of our key from before this second may have been triggered by a schedule that was lost.
    knows_since_s: i64,
    causes: BTreeMap<CauseNumber, Cause>,
    next_cause: CauseNumber,
    topologies: BTreeMap<u32, Topology>,
    next_topology: u32,
    listing: Option<Listing>,
    /// A listing was requested. It serves the causes below this number.
    listing_below: Option<CauseNumber>,
    stacks: BTreeMap<StackId, Stack>,
    /// Runs that ended.
    ends: BTreeMap<RunId, RunEnd>,
    #[serde(default)]
    own_runs: OwnRuns,
    /// Open runs of ours for no open chain, from before a loss. Only this schedule knows that they are no roots.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    unclaimed: BTreeSet<RunId>,
    halted_by: Option<String>,
    #[serde(default)]
    halt_reason: Option<String>,
    /// Another Spillway uses our key.
    #[serde(default)]
    conflict: Option<Conflict>,
    /// A person knows about what another Spillway did up to this second.
    #[serde(default)]
    conflict_excused_s: i64,
    /// Changes that the records of chains do not have yet.
    #[serde(rename = "untold")]
    unsent: BTreeMap<ChainId, Vec<Change>>,
    /// Effects that were not returned yet.
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
    /// Stacks that block nothing, according to their labels.
    #[serde(default)]
    ignored: BTreeSet<StackId>,
}

/// A run that ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct RunEnd {
    #[serde(rename = "told_ms")]
    reported_at_ms: i64,
    /// We triggered it. Only older versions read it: a repeated end starts nothing.
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
            next_deadline_ms: Some(0),
            asked_to_rebuild: false,
        };
        schedule.remember_older();
        // This version cannot judge a state that a newer one wrote. Callers check the version and leave the state
        // alone.
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
    /// A schedule without any knowledge. It first asks what is open.
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
            own_runs: OwnRuns::default(),
            unclaimed: BTreeSet::new(),
            halted_by: None,
            halt_reason: None,
            conflict: None,
            conflict_excused_s: 0,
            unsent: BTreeMap::new(),
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

    /// Whether it knows what is open. Until then it accepts only [`Event::Rebuilt`].
    pub fn is_rebuilt(&self) -> bool {
        self.state.rebuilt
    }

    /// Nothing is open, and no record has to be updated.
    pub fn is_idle(&self) -> bool {
        let state = &self.state;
        state.rebuilt
            && state.causes.is_empty()
            && state.listing_below.is_none()
            && state.unsent.is_empty()
            && state.halted_by.is_none()
            && state.conflict.is_none()
            && state.unclaimed.is_empty()
            && state
                .stacks
                .values()
                .all(|stack| !stack.is_active() && stack.open_doubt().is_none())
    }

    /// The stacks with an open attempt.
    pub fn attempts_under_way(&self) -> Vec<StackId> {
        let stacks = self.state.stacks.iter();
        stacks
            .filter(|(_, stack)| stack.attempt.is_some())
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// Whether a listing of the account was requested.
    pub fn is_listing(&self) -> bool {
        self.state.listing_below.is_some()
    }

    /// The open attempts, with the causes of each.
    fn attempts(&self) -> impl Iterator<Item = &Vec<CauseNumber>> {
        let stacks = self
            .active
            .iter()
            .filter_map(|stack| self.state.stacks.get(stack));
        stacks.filter_map(|stack| stack.attempt.as_ref())
    }

    /// When to decide again even if nothing happens.
    pub fn next_wake_ms(&self) -> Option<i64> {
        self.next_wake_ms
    }

    /// Applies an event.
    pub fn apply(&mut self, event: Event, now_ms: i64) {
        self.now_ms = now_ms;
        match event {
            Event::Requested {
                chain,
                root,
                by,
                only,
            } => self.requested(chain, root, by, only),
            Event::RunBegan { stack, run } => self.run_began(&stack, run),
            Event::RunMoved { stack, run } => self.run_moved(&stack, &run),
            Event::RunEnded { stack, run } => self.run_ended(&stack, run),
            Event::Listed(listed) => self.listed(*listed),
            Event::Attempted { stack, outcome } => self.attempted(&stack, outcome),
            Event::Controlled {
                chain,
                control,
                by,
                reason,
            } => self.controlled(&chain, control, &by, reason.as_deref()),
            Event::DoneByHand { stack, by, reason } => self.done_by_hand(&stack, by, reason),
            Event::Released { stack, by } => self.released(&stack, &by),
            Event::Halted { by, reason } => self.halted(by, reason),
            Event::Resumed { by, reason } => self.resumed(by, reason),
            Event::HaltGone => self.halt_gone(),
            Event::Thawed { by } => self.thawed(by),
            Event::ChainGone { chain } => self.chain_gone(&chain),
            Event::Rebuilt(rebuilt) => self.rebuilt(*rebuilt),
            Event::ChainFound { record, runs } => self.chain_found(&record, runs),
            Event::AttemptFound { stack } => self.attempt_found(&stack),
        }
    }

    /// Returns what to do now. Each effect is returned once.
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
            self.keep_deadlines();
            self.wake_to_send();
        } else if !std::mem::replace(&mut self.asked_to_rebuild, true) {
            self.state.effects.push(Effect::Rebuild);
        }
        std::mem::take(&mut self.state.effects)
    }

    /// A chain whose record cannot be opened because it already existed must not run anything.
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

    /// The earlier of two requested wake-ups.
    fn wake_at(&mut self, at_ms: i64) {
        let earlier = self.next_wake_ms.is_none_or(|known| at_ms < known);
        if earlier {
            self.next_wake_ms = Some(at_ms);
        }
    }

    /// Ends the causes in which every stack has an outcome.
    fn close_causes(&mut self) {
        let over: Vec<CauseNumber> = self
            .state
            .causes
            .iter()
            .filter(|(_, cause)| cause.plan.as_ref().is_some_and(|plan| plan.standings.is_over()))
            .map(|(number, _)| *number)
            .collect();
        for number in over {
            self.add_change(number, Change::Over { at_ms: self.now_ms });
            self.state.causes.remove(&number);
        }
    }

    /// Whether anything can still happen to the stack.
    fn note_activity(&mut self, stack: &StackId) {
        let is_active = |known: &Stack| known.is_active() || !known.others.is_empty();
        if self.state.stacks.get(stack).is_some_and(is_active) {
            self.active.insert(stack.clone());
        } else {
            self.active.remove(stack);
            self.touched.insert(stack.clone());
        }
    }
}
