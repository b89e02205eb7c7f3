//! What is known of one stack for as long as something may still happen to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cause::CauseNumber;
use crate::attempt::{Hold, RunFacts};
use crate::{RunId, RunState, StackId};

/// How many runs of our own are remembered for a stack.
const KNOWN_RUNS_MAX: usize = 20;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Stack {
    /// An attempt is under way, for these causes.
    #[serde(default)]
    pub(super) attempt: Option<Vec<CauseNumber>>,
    /// The run that is to serve causes.
    #[serde(default)]
    pub(super) run: Option<UsedRun>,
    /// Other tracked runs that are not over.
    #[serde(default)]
    pub(super) others: BTreeMap<RunId, Seen>,
    /// Ends of runs that came while an attempt was under way, which may have made them.
    #[serde(default)]
    pub(super) early_ends: Vec<RunFacts>,
    /// Since when a cause is ready for it.
    #[serde(default)]
    pub(super) ready_since_ms: Option<i64>,
    /// What it still waits for when the time to wait for others is over.
    #[serde(default)]
    pub(super) last_wait: Option<LastWait>,
    #[serde(default)]
    pub(super) hold: Option<Held>,
    /// What holds it, as these causes were told.
    #[serde(default)]
    pub(super) told_hold: Option<(String, Vec<CauseNumber>)>,
    /// How often Spacelift refused to trigger it.
    #[serde(default)]
    pub(super) refusals: u32,
    /// Since when attempts fail for reasons that may pass.
    #[serde(default)]
    pub(super) trouble_since_ms: Option<i64>,
    /// How often it was held or failed since the last run: pauses grow with it.
    #[serde(default)]
    pub(super) tries: u32,
    /// An attempt may have made a run of which we do not know.
    #[serde(default)]
    pub(super) doubt: Option<Doubt>,
    /// Runs of our own, the latest last.
    #[serde(default)]
    pub(super) known_runs: Vec<RunId>,
    /// A person said that the guard against loops does not count for the next run.
    #[serde(default)]
    pub(super) ignore_guard: bool,
}

/// A run that is to serve causes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UsedRun {
    pub(super) run: RunId,
    /// We made it.
    pub(super) made: bool,
    pub(super) causes: Vec<CauseNumber>,
    pub(super) seen: Seen,
    /// What a person has to do, as it was told.
    #[serde(default)]
    pub(super) note: Option<String>,
}

/// What a run was doing when somebody looked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) phase: Phase,
    /// By our clock.
    pub(super) at_ms: i64,
}

/// Runs directly upstream when the time to wait for others was over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LastWait {
    pub(super) since_ms: i64,
    pub(super) runs: Vec<(StackId, RunId)>,
    /// All of them were looked at: those that are left apply, and are waited for until they end.
    pub(super) looked: bool,
    /// When the last of those that applied ended. What follows from that is planned first.
    #[serde(default)]
    pub(super) ended_ms: Option<i64>,
}

/// An attempt may have made a run of which we do not know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Doubt {
    pub(super) since_ms: i64,
    /// The causes of that attempt.
    pub(super) causes: Vec<CauseNumber>,
}

/// What holds a stack, and when to look again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) hold: Hold,
    pub(super) again_at_ms: i64,
    /// It waits for a person, or since Spacelift asked for it: what lies downstream need not wait for it.
    #[serde(default)]
    pub(super) not_waited_for: bool,
}

/// What a run that is not over does, as far as somebody looked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// It works, or nobody looked.
    #[default]
    Working,
    Applying,
    /// It waits for another run of its stack, or for one upstream.
    Behind,
    /// No worker has taken it since this second.
    Ready {
        since_s: i64,
    },
    WaitsForPerson,
}

impl Phase {
    pub(super) fn of(run: &RunFacts, behind: bool) -> Self {
        match &run.state {
            RunState::Unconfirmed | RunState::PendingReview => Self::WaitsForPerson,
            RunState::Applying | RunState::PreparingApply | RunState::Confirmed => Self::Applying,
            RunState::Ready => Self::Ready {
                since_s: run.changed_at_s,
            },
            RunState::Pending => Self::Behind,
            RunState::Queued if behind => Self::Behind,
            _ => Self::Working,
        }
    }
}

impl Stack {
    /// Nothing is known of it that matters.
    pub(super) fn is_idle(&self) -> bool {
        self.attempt.is_none()
            && self.run.is_none()
            && self.others.is_empty()
            && self.ready_since_ms.is_none()
            && self.doubt.is_none()
    }

    /// There is an attempt at it, or a run that serves.
    pub(super) fn is_active(&self) -> bool {
        self.attempt.is_some() || self.run.is_some()
    }

    /// Whatever happens to it is for this cause.
    pub(super) fn is_only_for(&self, cause: CauseNumber) -> bool {
        let is_for_it = |causes: &Vec<CauseNumber>| causes.contains(&cause);
        self.others.is_empty()
            && self.attempt.as_ref().is_none_or(is_for_it)
            && self.run.as_ref().is_none_or(|used| is_for_it(&used.causes))
    }

    pub(super) fn has_run(&self, run: &RunId) -> bool {
        self.run.as_ref().is_some_and(|used| used.run == *run) || self.others.contains_key(run)
    }

    /// What somebody saw of a run that is not over.
    pub(super) fn seen(&self, run: &RunId) -> Option<Seen> {
        match &self.run {
            Some(used) if used.run == *run => Some(used.seen),
            _ => self.others.get(run).copied(),
        }
    }

    /// Every tracked run of it that is not over.
    pub(super) fn runs(&self) -> impl Iterator<Item = (&RunId, Seen)> {
        let used = self.run.iter().map(|used| (&used.run, used.seen));
        used.chain(self.others.iter().map(|(run, seen)| (run, *seen)))
    }

    /// A run of it moves on without a person. Those that wait behind others move unless one of them is held.
    pub(super) fn has_moving_run(&self) -> bool {
        let mut is_behind = false;
        let mut is_held = false;
        for (_, seen) in self.runs() {
            match seen.phase {
                Phase::WaitsForPerson => is_held = true,
                Phase::Behind => is_behind = true,
                Phase::Working | Phase::Applying | Phase::Ready { .. } => return true,
            }
        }
        is_behind && !is_held
    }

    pub(super) fn remember_own(&mut self, run: &RunId) {
        if !self.known_runs.contains(run) {
            self.known_runs.push(run.clone());
        }
        let surplus = self.known_runs.len().saturating_sub(KNOWN_RUNS_MAX);
        self.known_runs.drain(..surplus);
    }

    /// There is a run, or none is needed: what was counted for it counts no more.
    pub(super) fn forget_tries(&mut self) {
        self.hold = None;
        self.told_hold = None;
        self.refusals = 0;
        self.trouble_since_ms = None;
        self.tries = 0;
        self.ignore_guard = false;
    }

    pub(super) fn is_held(&self, now_ms: i64) -> bool {
        self.hold
            .as_ref()
            .is_some_and(|held| held.not_waited_for && held.again_at_ms > now_ms)
    }
}
