//! Spacelift in memory, with its runs, commits and locks. It records everything that it did.

mod account;

use std::collections::{BTreeMap, BTreeSet};

use chain::attempt::RunFacts;
use chain::commit::{Commit, Push};
use chain::{CommitSha, RunId, RunState, RunType, StackFacts, StackId};

use super::random::Random;

/// Who triggered a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Us,
    Push,
    Person,
    /// Spacelift itself, after a native upstream.
    Native,
    Drift,
}

/// How a run is going to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Well,
    /// There is nothing to do.
    Skipped,
    Fails,
    /// The apply fails, after it changed something.
    FailsApplying,
    /// The run waits for a person first.
    Unconfirmed,
    /// The run changes nothing.
    Unchanged,
    /// The apply takes an hour.
    Slow,
    /// No worker takes it.
    Stays,
}

#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) facts: RunFacts,
    pub(crate) stack: StackId,
    pub(crate) by: By,
    pub(crate) fate: Fate,
    pub(crate) created_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    /// When it first applied, or was confirmed.
    pub(crate) applies_since_ms: Option<i64>,
    /// The number of its commit. Later pushes have greater ones.
    pub(crate) commit: u32,
    next_ms: i64,
}

impl Run {
    pub(crate) fn is_over(&self) -> bool {
        self.facts.state.is_terminal()
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Stack {
    pub(crate) facts: StackFacts,
    pub(crate) locked: bool,
    pub(crate) disabled: bool,
    /// It does not exist, or our key may not see it. Its unfinished runs continue.
    pub(crate) hidden: bool,
    tracked: u32,
}

/// The changes, for followers of runs.
#[derive(Debug, Clone)]
pub(crate) struct Moved(pub(crate) usize);

#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) stacks: BTreeMap<StackId, Stack>,
    pub(crate) runs: Vec<Run>,
    commits: u32,
    /// Stacks that were disabled at some time.
    pub(crate) was_disabled: BTreeSet<StackId>,
    pub(crate) random: Random,
    /// The longest duration of each step of a run.
    pub(crate) step_ms: i64,
    /// How many of a hundred runs fail, wait for a person, have nothing to do, or change nothing.
    pub(crate) fates: [u32; 4],
    /// How the next run of a stack ends, instead of at random.
    pub(crate) next_fate: BTreeMap<StackId, Fate>,
}

const BRANCH: &str = "main";

fn sha(commit: u32) -> CommitSha {
    CommitSha::new(format!("{commit:07x}")).unwrap()
}

impl World {
    pub(crate) fn new(stacks: Vec<StackFacts>, random: Random) -> Self {
        let stacks = stacks.into_iter().map(|facts| {
            let stack = Stack {
                locked: false,
                disabled: facts.disabled,
                hidden: false,
                tracked: 0,
                facts,
            };
            (stack.facts.id.clone(), stack)
        });
        Self {
            stacks: stacks.collect(),
            runs: Vec::new(),
            commits: 0,
            was_disabled: BTreeSet::new(),
            random,
            step_ms: 20_000,
            fates: [0; 4],
            next_fate: BTreeMap::new(),
        }
    }

    fn commit(commit: u32) -> Commit {
        // Times of commits can be equal, and are otherwise in the order of the pushes.
        Commit::new(sha(commit), Some(1_000_000 + i64::from(commit)))
    }

    pub(crate) fn run(&self, id: &RunId) -> Option<&Run> {
        self.runs.iter().find(|run| run.facts.id == *id)
    }

    pub(crate) fn unfinished(&self, stack: &StackId) -> impl Iterator<Item = usize> {
        let of_stack = |run: &Run| run.stack == *stack && !run.is_over();
        (0..self.runs.len()).filter(move |&at| of_stack(&self.runs[at]))
    }

    pub(crate) fn number_of(sha: &CommitSha) -> u32 {
        u32::from_str_radix(sha.as_str(), 16).unwrap()
    }

    /// A push to a repository: these stacks of it run the new commit.
    pub(crate) fn push(&mut self, stacks: &[StackId], now_ms: i64) {
        let Some(repository) = stacks
            .first()
            .map(|first| self.stacks[first].facts.repository.clone())
        else {
            return;
        };
        self.commits += 1;
        let commit = self.commits;
        for stack in stacks {
            let found = self.stacks.get_mut(stack).unwrap();
            if found.facts.repository == repository && found.runs() {
                found.tracked = commit;
                self.create(stack, By::Push, commit, now_ms);
            }
        }
    }

    /// A person runs a stack, on its tracked commit or on an older one.
    pub(crate) fn person(&mut self, stack: &StackId, older_by: u32, now_ms: i64) {
        let found = &self.stacks[stack];
        if found.runs() && !found.locked {
            self.create(stack, By::Person, found.tracked.saturating_sub(older_by), now_ms);
        }
    }

    pub(crate) fn drift(&mut self, stack: &StackId, now_ms: i64) {
        let found = &self.stacks[stack];
        if found.runs() && !found.locked {
            self.create(stack, By::Drift, found.tracked, now_ms);
        }
    }

    pub(crate) fn create(&mut self, stack: &StackId, by: By, commit: u32, now_ms: i64) -> usize {
        let number = self.runs.len();
        let [fails, waits, skipped, unchanged] = self.fates;
        let dice = self.random.below(100);
        let fate = match dice {
            _ if dice < fails / 2 => Fate::FailsApplying,
            _ if dice < fails => Fate::Fails,
            _ if dice < fails + waits => Fate::Unconfirmed,
            _ if dice < fails + waits + skipped => Fate::Skipped,
            _ if dice < fails + waits + skipped + unchanged => Fate::Unchanged,
            _ => Fate::Well,
        };
        let fate = self.next_fate.remove(stack).unwrap_or(fate);
        let at_s = now_ms / 1000;
        let triggered_by = match by {
            By::Push | By::Drift => None,
            By::Us => Some("api::us".to_owned()),
            By::Person => Some("bob".to_owned()),
            By::Native => self.stacks[stack]
                .facts
                .native_dependencies
                .first()
                .map(ToString::to_string),
        };
        let id: RunId = format!("01R{number:06}").parse().unwrap();
        let mut commit_facts = Self::commit(commit);
        if by == By::Push {
            commit_facts.push = Some(Push {
                at_s,
                run: id.clone(),
            });
        }
        let next_ms = now_ms + self.step();
        self.runs.push(Run {
            facts: RunFacts {
                id,
                run_type: RunType::Tracked,
                state: RunState::Queued,
                branch: BRANCH.to_owned(),
                commit: Some(commit_facts),
                triggered_by,
                ours: by == By::Us,
                other_spillway: None,
                drift_detection: by == By::Drift,
                created_at_s: at_s,
                began_at_s: None,
                changed_at_s: at_s,
                partial: false,
                planned: false,
                changed: None,
                gone: false,
                reported_at_ms: None,
            },
            stack: stack.clone(),
            by,
            fate,
            created_ms: now_ms,
            ended_ms: None,
            applies_since_ms: None,
            commit,
            next_ms,
        });
        number
    }

    fn step(&mut self) -> i64 {
        i64::from(self.random.below(u32::try_from(self.step_ms).unwrap())) + 1
    }

    /// When the next run moves by itself.
    pub(crate) fn next_ms(&self) -> Option<i64> {
        let mut seen: Vec<&StackId> = Vec::new();
        let mut next: Option<i64> = None;
        for run in self.runs.iter().filter(|run| !run.is_over()) {
            // The first run of each stack blocks the others.
            if seen.contains(&&run.stack) {
                continue;
            }
            seen.push(&run.stack);
            let waits = run.facts.state == RunState::Unconfirmed
                || (run.fate == Fate::Stays && run.facts.state == RunState::Ready)
                || (self.stacks[&run.stack].locked && run.facts.state == RunState::Queued);
            if !waits {
                next = Some(next.map_or(run.next_ms, |known| known.min(run.next_ms)));
            }
        }
        next
    }

    /// Moves every run that is due.
    pub(crate) fn advance(&mut self, now_ms: i64) -> Vec<Moved> {
        let mut moved = Vec::new();
        let mut blocked: Vec<StackId> = Vec::new();
        for at in 0..self.runs.len() {
            let run = &self.runs[at];
            if run.is_over() || blocked.contains(&run.stack) {
                continue;
            }
            blocked.push(run.stack.clone());
            let locked = self.stacks[&run.stack].locked;
            let next = match &run.facts.state {
                _ if run.next_ms > now_ms => continue,
                RunState::Unconfirmed => continue,
                RunState::Ready if run.fate == Fate::Stays => continue,
                RunState::Queued if locked => continue,
                RunState::Queued => RunState::Ready,
                RunState::Ready => RunState::Preparing,
                RunState::Preparing => RunState::Planning,
                RunState::Planning => match run.fate {
                    Fate::Fails => RunState::Failed,
                    Fate::Skipped => RunState::Skipped,
                    Fate::Unconfirmed => RunState::Unconfirmed,
                    Fate::Well | Fate::FailsApplying | Fate::Unchanged | Fate::Slow | Fate::Stays => {
                        RunState::Applying
                    }
                },
                RunState::Confirmed => RunState::Applying,
                _ if run.fate == Fate::FailsApplying => RunState::Failed,
                _ => RunState::Finished,
            };
            self.enter(at, next, now_ms);
            moved.push(Moved(at));
        }
        moved
    }

    /// A person confirms, discards or cancels a run.
    pub(crate) fn decide(&mut self, at: usize, confirm: bool, now_ms: i64) -> Option<Moved> {
        let next = match (&self.runs[at].facts.state, confirm) {
            (RunState::Unconfirmed, true) => RunState::Confirmed,
            (RunState::Unconfirmed, false) => RunState::Discarded,
            (RunState::Queued | RunState::Ready, false) => RunState::Canceled,
            _ => return None,
        };
        self.runs[at].next_ms = now_ms;
        self.enter(at, next, now_ms);
        Some(Moved(at))
    }

    /// Stops a run as its state allows, unless it is confirmed or applying.
    pub(crate) fn stop(&mut self, at: usize, now_ms: i64) -> Option<Moved> {
        if let RunState::Preparing | RunState::Planning = self.runs[at].facts.state {
            self.enter(at, RunState::Stopped, now_ms);
            return Some(Moved(at));
        }
        self.decide(at, false, now_ms)
    }

    pub(crate) fn enter(&mut self, at: usize, state: RunState, now_ms: i64) {
        let step = self.step();
        let run = &mut self.runs[at];
        let at_s = now_ms / 1000;
        if state == RunState::Preparing {
            run.facts.began_at_s.get_or_insert(at_s);
        }
        if state == RunState::Planning {
            run.facts.planned = true;
        }
        if matches!(state, RunState::Confirmed | RunState::Applying) {
            run.applies_since_ms.get_or_insert(now_ms);
        }
        if matches!(state, RunState::Unconfirmed | RunState::Applying) {
            run.facts.changed = Some(run.fate != Fate::Unchanged);
        }
        run.facts.changed_at_s = at_s;
        run.facts.state = state;
        let is_slow = run.fate == Fate::Slow && run.facts.state == RunState::Applying;
        run.next_ms = now_ms + if is_slow { 3_600_000 } else { step };
        if !run.is_over() {
            return;
        }
        run.ended_ms = Some(now_ms);
        let (stack, ended_well) = (run.stack.clone(), run.facts.state == RunState::Finished);
        let following = self.unfinished(&stack).next();
        if let Some(following) = following {
            let step = self.step();
            self.runs[following].next_ms = now_ms + step;
        }
        if ended_well {
            let dependents = self.stacks.values().filter(|other| {
                other.facts.native_dependencies.contains(&stack) && other.runs() && !other.locked
            });
            let dependents: Vec<(StackId, u32)> = dependents
                .map(|other| (other.facts.id.clone(), other.tracked))
                .collect();
            for (dependent, tracked) in dependents {
                self.create(&dependent, By::Native, tracked, now_ms);
            }
        }
    }
}
