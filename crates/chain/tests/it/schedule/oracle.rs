//! The laws, checked on what was reported, decided and done. The oracle shares nothing with the schedule except the
//! types of the trace.

macro_rules! law {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err(format!($($text)+));
        }
    };
}

mod events;
mod laws;
mod rest;

use std::collections::{BTreeMap, BTreeSet};

use chain::attempt::HoldKind;
use chain::schedule::Decision;
use chain::{ChainId, ChainRecord, RunId, StackId};

use super::host::{Entry, Host};
use super::world::{By, Run, World};

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
    root_run: Option<RunId>,
    since_s: i64,
    stacks: BTreeMap<StackId, Place>,
    ended_s: BTreeMap<StackId, i64>,
    /// When everything upstream had ended, as known when the run was found or triggered.
    ready_at_begin_s: BTreeMap<StackId, i64>,
    paused: bool,
    cancelled: bool,
    concluded: bool,
}

pub(crate) struct Oracle<'a> {
    world: &'a World,
    host: &'a Host,
    now_ms: i64,
    /// Everything that each stack waits for, by labels and Spacelift's own dependencies, however far.
    upstream: BTreeMap<StackId, BTreeSet<StackId>>,
    /// What each stack waits for by labels.
    direct: BTreeMap<StackId, BTreeSet<StackId>>,
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
    held: BTreeMap<StackId, HoldKind>,
    ready_since: BTreeMap<StackId, i64>,
    /// When something last prevented a stack from running.
    excused_ms: BTreeMap<StackId, i64>,
    halted: bool,
    rebuilding: bool,
    opened: BTreeSet<ChainId>,
}

type Checked = Result<(), String>;

/// Checks everything that a host recorded.
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
        let world = &host.world;
        let direct: BTreeMap<StackId, BTreeSet<StackId>> = world
            .stacks
            .values()
            .map(|stack| {
                let labels = stack
                    .facts
                    .labels
                    .iter()
                    .filter_map(|label| label.strip_prefix("dependsOn:"));
                let labels = labels.map(|id| id.parse().unwrap());
                let all = labels.chain(stack.facts.native_dependencies.iter().cloned());
                (stack.facts.id.clone(), all.collect())
            })
            .collect();
        let by_label = world.stacks.values().map(|stack| {
            let labels = stack.facts.labels.iter();
            let labels = labels.filter_map(|label| label.strip_prefix("dependsOn:"));
            (
                stack.facts.id.clone(),
                labels.map(|id| id.parse().unwrap()).collect(),
            )
        });
        let by_label: BTreeMap<StackId, BTreeSet<StackId>> = by_label.collect();
        let mut upstream = direct.clone();
        for _ in 0..direct.len() {
            for (stack, own) in &direct {
                let further: Vec<StackId> = own.iter().flat_map(|id| upstream[id].clone()).collect();
                upstream.get_mut(stack).unwrap().extend(further);
            }
        }
        Self {
            world,
            host,
            now_ms: 0,
            upstream,
            direct: by_label,
            causes: BTreeMap::new(),
            busy: BTreeMap::new(),
            early: BTreeMap::new(),
            over: BTreeSet::new(),
            working: BTreeSet::new(),
            used: BTreeMap::new(),
            attempts: BTreeMap::new(),
            begins_for: BTreeMap::new(),
            held: BTreeMap::new(),
            ready_since: BTreeMap::new(),
            excused_ms: BTreeMap::new(),
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
            Entry::Event(event) => self.event(event),
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

    /// Everything upstream of the stack is over in the cause.
    fn is_ready(&self, cause: &Cause, stack: &StackId) -> bool {
        cause.stacks.get(stack) == Some(&Place::Due)
            && self.upstream[stack]
                .iter()
                .all(|other| cause.stacks.get(other).is_none_or(Place::is_over))
    }

    fn ready_for(&self, stack: &StackId) -> BTreeSet<&ChainId> {
        let ready = self
            .causes
            .iter()
            .filter(|(_, cause)| self.is_ready(cause, stack));
        ready
            .filter(|(_, cause)| !cause.paused)
            .map(|(chain, _)| chain)
            .collect()
    }

    fn find_ready(&mut self) {
        for stack in self.upstream.keys() {
            if self.causes.values().any(|cause| self.is_ready(cause, stack)) {
                self.ready_since.entry(stack.clone()).or_insert(self.now_ms);
            } else {
                self.ready_since.remove(stack);
                self.held.remove(stack);
            }
        }
    }

    /// When everything upstream had ended in the cause, by Spacelift's clock.
    fn ready_s(&self, cause: &Cause, stack: &StackId) -> i64 {
        let ends = self.upstream[stack]
            .iter()
            .filter_map(|other| cause.ended_s.get(other));
        ends.copied().max().unwrap_or(0).max(cause.since_s)
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
            self.held.get(stack),
            Some(HoldKind::Lock | HoldKind::Guard | HoldKind::Halt | HoldKind::Conflict | HoldKind::Freeze)
        );
        self.attempts.contains_key(stack)
            || is_moving
            || (!has_runs && !is_held && !self.ready_for(stack).is_empty())
    }

    fn decided(&mut self, decision: &Decision) -> Checked {
        match decision {
            Decision::Cause { chain, stack: _, run } => {
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
                self.held.insert(stack.clone(), hold.kind);
            }
            Decision::Thawed { .. } => self.held.retain(|_, kind| *kind != HoldKind::Freeze),
            Decision::Released { stack, .. } => {
                self.held.remove(stack);
            }
            Decision::Changed { chain, change } => return self.changed(chain, change),
            _ => {}
        }
        Ok(())
    }
}
