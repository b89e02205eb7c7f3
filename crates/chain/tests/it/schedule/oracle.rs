//! The laws, checked on what was told, decided and done. It shares nothing with the schedule but the words of the trace.

macro_rules! law {
    ($holds:expr, $($text:tt)+) => {
        if !$holds {
            return Err(format!($($text)+));
        }
    };
}

mod laws;

use std::collections::{BTreeMap, BTreeSet};

use chain::attempt::{AttemptOutcome, HoldKind, RunFacts};
use chain::schedule::{Control, Decision, Event, Rebuilt};
use chain::{ChainId, ChainRecord, RunId, StackId, StackState};

use super::host::{Entry, Host};
use super::world::{By, Run, World};

/// Where a stack stands for a cause.
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
    /// When everything upstream had ended, as it was when the run was found or made.
    ready_at_begin_s: BTreeMap<StackId, i64>,
    paused: bool,
    cancelled: bool,
    concluded: bool,
}

pub(crate) struct Oracle<'a> {
    world: &'a World,
    host: &'a Host,
    now_ms: i64,
    /// Everything that each stack waits for, by labels and by Spacelift's own dependencies, however far.
    upstream: BTreeMap<StackId, BTreeSet<StackId>>,
    causes: BTreeMap<ChainId, Cause>,
    /// Tracked runs that are known and not known to be over, and whether a person has to do something.
    busy: BTreeMap<RunId, (StackId, bool)>,
    over: BTreeSet<RunId>,
    /// Runs of ours that may take a slot.
    working: BTreeSet<RunId>,
    used: BTreeMap<StackId, RunId>,
    attempts: BTreeMap<StackId, BTreeSet<ChainId>>,
    /// Runs that had not begun when everything upstream was known to be over: we made them then, or saw them queued.
    begins_for: BTreeMap<RunId, BTreeSet<ChainId>>,
    held: BTreeMap<StackId, HoldKind>,
    ready_since: BTreeMap<StackId, i64>,
    /// When something last kept a stack from running.
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
            causes: BTreeMap::new(),
            busy: BTreeMap::new(),
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
            Entry::Told(event) => self.told(event),
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
                        Some(why) => Place::Skipped(why.code.clone()),
                        None => Place::Due,
                    };
                    cause.stacks.insert(stack.id.clone(), place);
                }
                self.find_ready();
            }
            Entry::Made { run, request } => return self.made(&self.world.runs[*run], request),
            Entry::Lost => self.rebuilding = true,
            Entry::Settled => return self.settled(),
        }
        Ok(())
    }

    fn told(&mut self, event: &Event) {
        match event {
            Event::RunBegan { stack, run } if !self.over.contains(run) => {
                self.busy.entry(run.clone()).or_insert((stack.clone(), false));
            }
            Event::RunMoved { run, .. } => {
                let waits = run.waits_for_person().is_some();
                if let Some((_, known)) = self.busy.get_mut(&run.id) {
                    *known = waits;
                }
                if waits {
                    self.working.remove(&run.id);
                }
            }
            Event::RunEnded { stack, run } => {
                self.busy.remove(&run.id);
                self.working.remove(&run.id);
                self.over.insert(run.id.clone());
                if self.used.get(stack) == Some(&run.id) {
                    self.used.remove(stack);
                }
            }
            Event::Attempted { stack, outcome } => {
                self.attempts.remove(stack);
                if let AttemptOutcome::Run { run, chains, .. } = outcome
                    && run.began_at_s.is_none()
                {
                    self.begins_for
                        .entry(run.id.clone())
                        .or_default()
                        .extend(chains.iter().cloned());
                }
                if let AttemptOutcome::Run {
                    run, behind, chains, ..
                } = outcome
                    && !self.over.contains(&run.id)
                    && !run.state.is_terminal()
                {
                    let is_due = |chain| {
                        let cause: Option<&Cause> = self.causes.get(chain);
                        cause.is_some_and(|cause| cause.stacks.get(stack) == Some(&Place::Due))
                    };
                    if run.ours || chains.iter().any(is_due) {
                        self.used.insert(stack.clone(), run.id.clone());
                    }
                    self.sees(stack, run);
                    if run.ours && !behind && run.waits_for_person().is_none() {
                        self.working.insert(run.id.clone());
                    }
                }
            }
            Event::Controlled { chain, control, .. } => {
                if let Some(cause) = self.causes.get_mut(chain) {
                    cause.paused = *control == Control::Pause;
                    cause.cancelled |= *control == Control::Cancel;
                }
            }
            Event::ChainGone { chain } => {
                if let Some(cause) = self.causes.get_mut(chain) {
                    cause.cancelled = true;
                }
            }
            Event::Halted { .. } => self.halted = true,
            Event::Resumed { .. } => self.halted = false,
            Event::Rebuilt(rebuilt) => self.rebuilt(rebuilt),
            _ => {}
        }
    }

    fn sees(&mut self, stack: &StackId, run: &RunFacts) {
        let waits = run.waits_for_person().is_some();
        self.busy.insert(run.id.clone(), (stack.clone(), waits));
    }

    /// What was decided and not told is forgotten: the records are what holds.
    fn rebuilt(&mut self, rebuilt: &Rebuilt) {
        self.rebuilding = false;
        self.halted = rebuilt.halted_by.is_some();
        self.attempts = rebuilt
            .attempts
            .iter()
            .map(|stack| (stack.clone(), BTreeSet::new()))
            .collect();
        self.busy.clear();
        self.working.clear();
        self.held.clear();
        self.used.clear();
        self.ready_since.clear();
        for (stack, run) in &rebuilt.runs {
            if run.state.is_terminal() {
                self.over.insert(run.id.clone());
            } else {
                self.sees(stack, run);
            }
        }
        let open: BTreeSet<&ChainId> = rebuilt.chains.iter().map(ChainRecord::id).collect();
        self.causes
            .retain(|chain, cause| cause.concluded || open.contains(chain));
        for record in &rebuilt.chains {
            let Some(cause) = self.causes.get_mut(record.id()) else {
                continue;
            };
            cause.paused = record.is_paused();
            cause.cancelled = record.cancelled().is_some();
            cause.ended_s.clear();
            for stack in record.progress() {
                let code = stack
                    .reason
                    .as_ref()
                    .map(|why| why.code.clone())
                    .unwrap_or_default();
                let place = match (stack.state, &stack.run) {
                    (StackState::Running, Some(run)) => {
                        if !self.over.contains(run) {
                            self.used.insert(stack.id.clone(), run.clone());
                        }
                        Place::Running(run.clone())
                    }
                    (StackState::Succeeded, _) => Place::Done,
                    (StackState::Failed, _) => Place::Failed,
                    (StackState::Skipped, _) => Place::Skipped(code),
                    _ => Place::Due,
                };
                cause.stacks.insert(stack.id.clone(), place);
                cause
                    .ended_s
                    .extend(stack.ended_at_s.map(|at_s| (stack.id.clone(), at_s)));
            }
        }
        self.find_ready();
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

    /// Something will happen to the stack without a person, as far as it is known.
    fn moves(&self, stack: &StackId) -> bool {
        // Runs of a stack work one after the other: where one waits for a person, so do the others.
        let mut runs = self.busy.values().filter(|(of, _)| of == stack).peekable();
        let has_runs = runs.peek().is_some();
        let is_moving = has_runs && runs.all(|(_, waits)| !waits);
        let is_held = matches!(
            self.held.get(stack),
            Some(HoldKind::Lock | HoldKind::Guard | HoldKind::Halt | HoldKind::Conflict)
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
                let since_s = by.map_or(self.now_ms / 1000, |run| run.facts.changed_at_s);
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
            Decision::Released { stack, .. } => {
                self.held.remove(stack);
            }
            Decision::Changed { chain, change } => return self.changed(chain, change),
            _ => {}
        }
        Ok(())
    }
}
