//! The laws, checked on what was reported, decided and done. The oracle shares nothing with the schedule except the
//! types of the trace.

macro_rules! law {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err(format!($($text)+));
        }
    };
}

mod answers;
mod events;
mod laws;
mod listing;
mod plans;
mod rest;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use chain::attempt::HoldKind;
use chain::schedule::Decision;
use chain::{ChainId, ChainRecord, RunId, StackId};

use super::host::{Entry, Host};
use super::world::{By, Run, World};
use answers::{Answers, Hold};
use listing::Listing;
use rest::Excuse;

/// The state of a stack in a cause.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Due,
    Running(RunId),
    Done,
    Failed,
    Skipped(String),
}

impl Place {
    fn is_over(&self) -> bool {
        !matches!(self, Self::Due | Self::Running(_))
    }
}

#[derive(Debug, Clone, Default)]
struct Cause {
    root: Option<StackId>,
    root_run: Option<RunId>,
    since_s: i64,
    stacks: BTreeMap<StackId, Place>,
    ended_s: BTreeMap<StackId, i64>,
    /// When everything upstream had ended, as known when the run was found or triggered, or the stack failed without one.
    ready_at_begin_s: BTreeMap<StackId, i64>,
    paused: bool,
    cancelled: bool,
    concluded: bool,
    /// The listing that planned it: what it waits for does not change later.
    listing: Option<Rc<Listing>>,
}

impl Cause {
    fn upstream(&self, stack: &StackId) -> impl Iterator<Item = &StackId> {
        let listing = self.listing.iter();
        listing.flat_map(|listing| listing.upstream(stack))
    }

    /// Everything upstream of the stack is over in the cause.
    fn is_ready(&self, stack: &StackId) -> bool {
        self.stacks.get(stack) == Some(&Place::Due)
            && self
                .upstream(stack)
                .all(|other| self.stacks.get(other).is_none_or(Place::is_over))
    }

    /// When everything upstream had ended in the cause, by Spacelift's clock.
    fn ready_s(&self, stack: &StackId) -> i64 {
        let ends = self.upstream(stack).filter_map(|other| self.ended_s.get(other));
        ends.copied().max().unwrap_or(0).max(self.since_s)
    }
}

pub(crate) struct Oracle<'a> {
    world: &'a World,
    host: &'a Host,
    now_ms: i64,
    /// The newest listing. It decides what stacks of several causes wait for.
    listing: Rc<Listing>,
    causes: BTreeMap<ChainId, Cause>,
    /// Unfinished tracked runs that are known, and whether a person has to do something.
    busy: BTreeMap<RunId, (StackId, bool)>,
    /// What was reported about runs before they were known: whether a person has to do something.
    early: BTreeMap<RunId, bool>,
    over: BTreeSet<RunId>,
    /// Runs of ours that can take a slot.
    working: BTreeSet<RunId>,
    used: BTreeMap<StackId, RunId>,
    attempts: BTreeMap<StackId, BTreeSet<ChainId>>,
    /// Runs that had not begun when everything upstream was known to have ended: we triggered them then, or saw them
    /// queued. They also serve if they begin in the second of that end (the definition of "serves": "in a later second,
    /// or because we triggered it after we saw that end"). A run that a look finds queued begins after that look, and
    /// so after the end that the look came after: the order is known without the clock.
    begins_for: BTreeMap<RunId, BTreeSet<ChainId>>,
    held: BTreeMap<StackId, Hold>,
    /// The answers to attempts at each stack since its last run.
    answers: BTreeMap<StackId, Answers>,
    /// Stacks that have to fail in these chains.
    gives_up: BTreeSet<(StackId, ChainId)>,
    /// A person allowed the next run of these stacks despite the loop guard, and whether that cannot be forgotten.
    released: BTreeMap<StackId, bool>,
    /// The guard must not hold the open attempts at these.
    unguarded: BTreeSet<StackId>,
    ready_since: BTreeMap<StackId, i64>,
    /// When something other than upstream runs last prevented a stack from running.
    prevented: BTreeMap<StackId, Excuse>,
    /// When a stack last waited for the end of an apply directly upstream.
    waited: BTreeMap<StackId, Excuse>,
    halted: bool,
    rebuilding: bool,
    opened: BTreeSet<ChainId>,
}

type Checked = Result<(), String>;

/// Checks that each chain has the right stacks.
pub(crate) fn check_plans(host: &Host) -> Checked {
    plans::check(host)
}

/// Checks everything else that a host recorded.
pub(crate) fn check(host: &Host) -> Checked {
    let mut oracle = Oracle::new(host);
    for (at_ms, entry) in &host.trace {
        oracle.now_ms = *at_ms;
        oracle
            .read(entry)
            .map_err(|why| format!("at {} s: {why}", (at_ms - 1_700_000_000_000) / 1000))?;
    }
    oracle.at_the_end()
}

impl<'a> Oracle<'a> {
    fn new(host: &'a Host) -> Self {
        Self {
            world: &host.world,
            host,
            now_ms: 0,
            listing: Rc::default(),
            causes: BTreeMap::new(),
            busy: BTreeMap::new(),
            early: BTreeMap::new(),
            over: BTreeSet::new(),
            working: BTreeSet::new(),
            used: BTreeMap::new(),
            attempts: BTreeMap::new(),
            begins_for: BTreeMap::new(),
            held: BTreeMap::new(),
            answers: BTreeMap::new(),
            gives_up: BTreeSet::new(),
            released: BTreeMap::new(),
            unguarded: BTreeSet::new(),
            ready_since: BTreeMap::new(),
            prevented: BTreeMap::new(),
            waited: BTreeMap::new(),
            halted: false,
            rebuilding: false,
            opened: BTreeSet::new(),
        }
    }

    fn run(&self, id: &RunId) -> &'a Run {
        self.world.run(id).unwrap()
    }

    fn read(&mut self, entry: &Entry) -> Checked {
        match entry {
            Entry::Event(event) => return self.event(event),
            Entry::Decided(decision) => return self.decided(decision),
            Entry::Planned(opening) => {
                law!(
                    self.opened.insert(opening.chain.clone()),
                    "{} is opened twice",
                    opening.chain
                );
                let Some(cause) = self.causes.get_mut(&opening.chain) else {
                    return Err(format!("{} is opened without a cause", opening.chain));
                };
                cause.concluded |= opening.plan.is_err();
                cause.listing = Some(Rc::clone(&self.listing));
                for stack in opening.plan.iter().flat_map(|plan| &plan.stacks) {
                    let place = match &stack.skipped {
                        Some(why) => Place::Skipped(why.code.to_string()),
                        None => Place::Due,
                    };
                    cause.stacks.insert(stack.id.clone(), place);
                }
                self.find_ready();
            }
            Entry::Made { run, request } => return self.made(&self.world.runs[*run], request),
            Entry::Lost => self.rebuilding = true,
            Entry::Idle => return self.idle(),
        }
        Ok(())
    }

    fn ready_for(&self, stack: &StackId) -> BTreeSet<&ChainId> {
        let ready = self.causes.iter().filter(|(_, cause)| cause.is_ready(stack));
        ready
            .filter(|(_, cause)| !cause.paused)
            .map(|(chain, _)| chain)
            .collect()
    }

    fn find_ready(&mut self) {
        for stack in self.world.stacks.keys() {
            if self.causes.values().any(|cause| cause.is_ready(stack)) {
                self.ready_since.entry(stack.clone()).or_insert(self.now_ms);
            } else {
                self.ready_since.remove(stack);
                self.held.remove(stack);
                self.answers.remove(stack);
                self.released
                    .entry(stack.clone())
                    .and_modify(|surely| *surely = false);
            }
        }
    }

    /// Everything downstream of the root of a cause without a plan may be due.
    fn is_unplanned_root(&self, stack: &StackId) -> bool {
        let is_unplanned = |cause: &Cause| !cause.concluded && cause.listing.is_none();
        let mut causes = self.causes.values();
        causes.any(|cause| is_unplanned(cause) && cause.root.as_ref() == Some(stack))
    }

    /// As far as is known, something will happen to the stack without a person.
    fn moves(&self, stack: &StackId) -> bool {
        // Law 2: held stacks are not waited for at all, and a busy stack that waits for a person counts as held.
        // Spacelift works on one run of a stack after the other, so a run next to one that waits for a person waits for
        // the same person.
        let mut runs = self.busy.values().filter(|(of, _)| of == stack).peekable();
        let has_runs = runs.peek().is_some();
        let is_moving = has_runs && runs.all(|(_, waits)| !waits);
        let is_held = matches!(
            self.held.get(stack).map(|hold| hold.kind),
            Some(HoldKind::Lock | HoldKind::Guard | HoldKind::Halt | HoldKind::Conflict | HoldKind::Freeze)
        );
        self.attempts.contains_key(stack)
            || is_moving
            || (!has_runs && !is_held && !self.ready_for(stack).is_empty())
    }

    fn decided(&mut self, decision: &Decision) -> Checked {
        match decision {
            Decision::Cause { chain, stack, run } => {
                let by = run.as_ref().map(|run| self.run(run));
                law!(
                    by.is_none_or(|run| run.by != By::Us),
                    "our own run {run:?} is a root"
                );
                // A retry has the root of the retried chain, with a different time.
                let is_retry = chain.first() != *chain;
                let by = by.filter(|_| !is_retry);
                let since_s = by.map_or(self.now_ms / 1000, |run| run.facts.changed_at_s);
                // A repeated report of a root whose chain is over, after a loss: its record cannot be opened again.
                let is_over = self.host.records.get(chain).is_some_and(ChainRecord::is_over);
                if is_over && self.causes.get(chain).is_some_and(|cause| cause.concluded) {
                    return Ok(());
                }
                let cause = self.causes.entry(chain.clone()).or_default();
                cause.root = Some(stack.clone());
                cause.root_run.clone_from(run);
                cause.since_s = since_s;
                cause.concluded = false;
            }
            Decision::NothingToDo { chain, .. } | Decision::Refused { chain, .. } => {
                if let Some(cause) = self.causes.get_mut(chain) {
                    cause.concluded = true;
                }
            }
            Decision::Quarantined { chain, why } => return Err(format!("{chain} is quarantined: {why}")),
            Decision::Attempt { stack, chains } => return self.attempt(stack, chains),
            Decision::Held { stack, hold } => {
                self.is_held(stack, hold.kind);
            }
            Decision::Thawed { .. } => self.held.retain(|_, hold| hold.kind != HoldKind::Freeze),
            Decision::Resumed { .. } => self.held.retain(|_, hold| hold.kind != HoldKind::Halt),
            Decision::Released { stack, .. } => {
                self.held.remove(stack);
            }
            Decision::Changed { chain, change } => return self.changed(chain, change),
            _ => {}
        }
        Ok(())
    }
}
