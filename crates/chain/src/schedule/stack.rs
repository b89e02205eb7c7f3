//! What is known about one stack while something may still happen to it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cause::CauseNumber;
use crate::attempt::{Hold, HoldKind, RunFacts};
use crate::{ChainId, Reason, RunId, RunState, StackId};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Stack {
    /// An attempt is open, for these causes.
    #[serde(default)]
    pub(super) attempt: Option<Vec<CauseNumber>>,
    /// A person cancelled the only chain of the attempt, together with its runs. Its run is ended once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stop_attempt: Option<Reason>,
    /// A lost schedule began the attempt, so its chains are not known. These were cancelled together with their runs: if
    /// the run is for no other chain, it is ended once it is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) stop_attempt_for: BTreeMap<ChainId, Reason>,
    /// The hold was lifted after the attempt had begun. If the attempt is held nevertheless, it is repeated at once.
    #[serde(default)]
    pub(super) lifted: bool,
    /// The run that is to serve causes.
    #[serde(default)]
    pub(super) run: Option<UsedRun>,
    /// Other unfinished tracked runs.
    #[serde(default)]
    pub(super) others: BTreeMap<RunId, Seen>,
    /// Ends of runs that arrived during an attempt, which may have triggered them.
    #[serde(default)]
    pub(super) early_ends: Vec<RunFacts>,
    /// Since when a cause has been ready for the stack.
    #[serde(default)]
    pub(super) ready_since_ms: Option<i64>,
    /// What it still waits for at the end of the time to wait for others.
    #[serde(default)]
    pub(super) last_wait: Option<LastWait>,
    #[serde(default)]
    pub(super) hold: Option<Held>,
    /// Since when it has been held for the same reason.
    #[serde(default)]
    pub(super) held_since: Option<HeldSince>,
    /// It has been waiting since this moment, and that was reported.
    #[serde(default)]
    pub(super) stuck_since_ms: Option<i64>,
    /// What holds it, as it was reported to these causes.
    #[serde(default, rename = "told_hold")]
    pub(super) reported_hold: Option<(String, Vec<CauseNumber>)>,
    /// How often Spacelift refused to trigger it.
    #[serde(default)]
    pub(super) refusals: u32,
    /// Since when attempts have failed for temporary reasons.
    #[serde(default)]
    pub(super) trouble_since_ms: Option<i64>,
    /// When it is tried again after the last of these failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trouble_again_ms: Option<i64>,
    /// How often it was held or failed since the last run. Pauses grow with it.
    #[serde(default)]
    pub(super) tries: u32,
    /// An attempt may have triggered a run that we do not know about.
    #[serde(default)]
    pub(super) doubt: Option<Doubt>,
    /// Our runs, in states that were saved before `State::own_runs` existed.
    #[serde(default, skip_serializing)]
    pub(super) known_runs: Vec<RunId>,
    /// A person allowed the next run despite the loop guard.
    #[serde(default)]
    pub(super) ignore_guard: bool,
}

/// A run that is to serve causes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct UsedRun {
    pub(super) run: RunId,
    /// We triggered it.
    pub(super) made: bool,
    pub(super) causes: Vec<CauseNumber>,
    pub(super) seen: Seen,
    /// What a person has to do, as it was reported.
    #[serde(default)]
    pub(super) note: Option<String>,
    /// Since when a person has to do it.
    #[serde(default)]
    pub(super) waits_since_ms: Option<i64>,
    /// When we learnt about it.
    #[serde(default)]
    pub(super) began_ms: i64,
    /// It took too long, and that was handled.
    #[serde(default)]
    pub(super) is_late: bool,
    /// We stopped it, for this reason.
    #[serde(default)]
    pub(super) stop: Option<Reason>,
}

impl UsedRun {
    pub(super) fn new(run: RunId, made: bool, seen: Seen) -> Self {
        Self {
            run,
            made,
            causes: Vec::new(),
            seen,
            note: None,
            waits_since_ms: None,
            began_ms: seen.at_ms,
            is_late: false,
            stop: None,
        }
    }
}

/// Since when a stack has been held for one reason.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct HeldSince {
    pub(super) kind: HoldKind,
    pub(super) text: String,
    pub(super) at_ms: i64,
}

/// What a run was doing when it was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) phase: Phase,
    /// By our clock.
    pub(super) at_ms: i64,
}

/// Runs directly upstream at the end of the time to wait for others.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LastWait {
    pub(super) since_ms: i64,
    pub(super) runs: Vec<(StackId, RunId)>,
    /// All of them were looked at. The remaining ones are applying, and are waited for until they end.
    pub(super) looked: bool,
    /// When the last apply ended. What follows from it is planned first.
    #[serde(default)]
    pub(super) ended_ms: Option<i64>,
}

/// An attempt may have triggered a run that we do not know about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Doubt {
    /// When the last attempt in doubt ended.
    pub(super) since_ms: i64,
    /// The causes of these attempts. After a loss of the schedule, they are not known.
    pub(super) causes: Vec<CauseNumber>,
    /// When a run was found that may be the one. Several attempts may have been in doubt, so others may exist.
    #[serde(default)]
    pub(super) settled_ms: Option<i64>,
    /// Its run is ended once it is known, since the chains of these attempts were cancelled together with their runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stop: Option<Reason>,
}

/// What holds a stack, and when to look again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) hold: Hold,
    pub(super) again_at_ms: i64,
    /// It waits for a person, or because Spacelift asked for it. Downstream stacks need not wait for it.
    #[serde(default)]
    pub(super) not_waited_for: bool,
}

/// What an unfinished run does, according to the last look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// It works, or was not looked at.
    #[default]
    Working,
    Applying,
    /// It waits for another run of its stack, or for an upstream run.
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
    /// Nothing relevant is known about it.
    pub(super) fn is_idle(&self) -> bool {
        self.attempt.is_none()
            && self.run.is_none()
            && self.others.is_empty()
            && self.ready_since_ms.is_none()
            && self.doubt.is_none()
    }

    /// It has an attempt, or a run that serves.
    pub(super) fn is_active(&self) -> bool {
        self.attempt.is_some() || self.run.is_some()
    }

    /// Everything that happens to it is for this cause.
    pub(super) fn is_only_for(&self, cause: CauseNumber) -> bool {
        let is_for_it = |causes: &Vec<CauseNumber>| causes.contains(&cause);
        self.others.is_empty()
            && self.attempt.as_ref().is_none_or(is_for_it)
            && self.run.as_ref().is_none_or(|used| is_for_it(&used.causes))
    }

    pub(super) fn has_run(&self, run: &RunId) -> bool {
        self.run.as_ref().is_some_and(|used| used.run == *run) || self.others.contains_key(run)
    }

    /// The oldest of the other runs, if it is older than this one. Run ids are in the order in which runs were created.
    pub(super) fn first_before(&self, run: &RunId) -> Option<&RunId> {
        self.others.range(..run).next().map(|(other, _)| other)
    }

    /// The last look at an unfinished run.
    pub(super) fn seen(&self, run: &RunId) -> Option<Seen> {
        match &self.run {
            Some(used) if used.run == *run => Some(used.seen),
            _ => self.others.get(run).copied(),
        }
    }

    /// Every unfinished tracked run of the stack.
    pub(super) fn runs(&self) -> impl Iterator<Item = (&RunId, Seen)> {
        let used = self.run.iter().map(|used| (&used.run, used.seen));
        used.chain(self.others.iter().map(|(run, seen)| (run, *seen)))
    }

    /// A run continues without a person. Runs behind others count as continuing unless one of them is held.
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

    /// It is tried again. An open attempt may have looked before.
    pub(super) fn lift(&mut self, is_lifted: impl FnOnce(&mut Held) -> bool) {
        self.hold.take_if(is_lifted);
        self.lifted |= self.attempt.is_some();
    }

    /// Another attempt ended in doubt. Its run is ended, for this reason, if all its chains were cancelled with their runs.
    pub(super) fn begin_doubt(&mut self, causes: &[CauseNumber], mut stop: Option<Reason>, now_ms: i64) {
        let mut causes = causes.to_vec();
        if let Some(open) = self.open_doubt() {
            causes.extend(&open.causes);
            // Nobody knows which attempt triggered the run.
            stop = stop.filter(|_| open.stop.is_some());
        }
        self.doubt = Some(Doubt {
            since_ms: now_ms,
            causes,
            settled_ms: None,
            stop,
        });
    }

    /// The doubt that the next attempt has to know about.
    pub(super) fn open_doubt(&self) -> Option<&Doubt> {
        self.doubt.as_ref().filter(|doubt| doubt.settled_ms.is_none())
    }

    /// An attempt in doubt triggered this run, or none. A run that was found for other causes says nothing about the doubt,
    /// since their own attempt may have triggered it and crashed.
    pub(super) fn settle_doubt(&mut self, is_new_run: bool, causes: &[CauseNumber], now_ms: i64) {
        if let Some(doubt) = &mut self.doubt
            && doubt.settled_ms.is_none()
        {
            let was_for_these =
                doubt.causes.is_empty() || causes.iter().any(|number| doubt.causes.contains(number));
            doubt.settled_ms = (is_new_run && was_for_these).then_some(now_ms);
        }
    }

    /// Whether an attempt may have triggered this run of our key without a record of it.
    pub(super) fn may_have_made(&self, run: &RunFacts) -> bool {
        let is_doubted = |doubt: &Doubt| {
            doubt
                .settled_ms
                .is_none_or(|settled_ms| run.created_at_s <= settled_ms / 1000)
        };
        run.ours && (self.attempt.is_some() || self.doubt.as_ref().is_some_and(is_doubted))
    }

    /// A run exists or is not needed, so the counters start again.
    pub(super) fn forget_tries(&mut self) {
        self.hold = None;
        self.held_since = None;
        self.reported_hold = None;
        self.refusals = 0;
        self.forget_trouble();
        self.tries = 0;
        self.ignore_guard = false;
    }

    /// Spacelift answered, so temporary failures are over.
    pub(super) fn forget_trouble(&mut self) {
        self.trouble_since_ms = None;
        self.trouble_again_ms = None;
    }

    pub(super) fn is_held(&self, now_ms: i64) -> bool {
        self.hold
            .as_ref()
            .is_some_and(|held| held.not_waited_for && held.again_at_ms > now_ms)
    }
}

#[cfg(test)]
mod tests;
