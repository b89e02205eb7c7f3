//! One cause, and the standing of each stack in it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::topology::Topology;
use crate::commit::WantedCommit;
use crate::record::Pause;
use crate::{ChainId, ChainSettings, CommitSha, NoChange, OnFailure, Reason, Root, StackId, StackPolicy};

/// Numbers causes in the order in which they arrived.
pub(super) type CauseNumber = u32;

/// Why stacks have to run: a root run that succeeded, or a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent facts, and make no states together"
)]
pub(super) struct Cause {
    pub(super) chain: ChainId,
    pub(super) root: Root,
    pub(super) by: Option<String>,
    /// Only these stacks run. `None` once the cause is planned.
    #[serde(default)]
    pub(super) only: Option<Vec<StackId>>,
    /// `None` until the cause is planned.
    pub(super) plan: Option<Plan>,
    pub(super) paused: bool,
    /// Who paused it. `None` if an older version recorded the pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pause: Option<Pause>,
    /// A person has to approve the cause before its first run.
    #[serde(default)]
    pub(super) unapproved: bool,
    /// Since when it waits for the approval, once a long wait was reported.
    #[serde(default)]
    pub(super) stuck_since_ms: Option<i64>,
    /// Nothing new starts for the cause, and why.
    #[serde(default)]
    pub(super) stopped: Option<Reason>,
    /// It was cancelled with its runs.
    #[serde(default)]
    pub(super) stops_runs: bool,
    /// The workflow of its record was terminated, so it cannot be updated.
    #[serde(default)]
    pub(super) is_gone: bool,
}

/// What a cause needs, by the numbers of its topology.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Which topology.
    pub(super) topology: u32,
    pub(super) settings: ChainSettings,
    /// The root's repository, if known.
    pub(super) repository: Option<String>,
    /// The settings in the labels of stacks, if there are any.
    #[serde(default)]
    pub(super) policies: BTreeMap<u32, StackPolicy>,
    /// How often runs of stacks failed and were retried.
    #[serde(default)]
    pub(super) tries: BTreeMap<u32, u32>,
    /// A stack can be skipped if nothing changed.
    #[serde(default)]
    pub(super) minds_changes: bool,
    /// Whether finished stacks changed something, if that matters.
    #[serde(default)]
    pub(super) changed: BTreeMap<u32, bool>,
    pub(super) standings: Standings,
    /// The stacks that are left out if nothing fails.
    pub(super) passing: BTreeSet<u32>,
    /// A stack failed or was skipped while Spacelift has dependencies of its own. Then a stack can be over before its
    /// upstream is, and its dependents look further upstream.
    #[serde(default)]
    pub(super) looks_far: bool,
    /// For stacks with an ended upstream: when the last one ended, in seconds by Spacelift's clock.
    pub(super) ready_at_s: BTreeMap<u32, i64>,
    /// How many runs of ours for this cause take a slot.
    #[serde(skip)]
    pub(super) slots: u32,
}

/// The state of a stack in a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The stack is not downstream of the root.
    Outside,
    /// The cause needs a run of it.
    Due,
    /// The stack is not run. Its dependents continue once everything that it waits for is done.
    Passing,
    /// A run exists that is to serve the cause.
    Running,
    Done,
    Failed,
    /// An upstream failed.
    SkippedByFailure,
    /// The stack will not run, whatever happens.
    Skipped,
}

impl Standing {
    /// Dependents no longer have to wait.
    pub(super) fn is_over(self) -> bool {
        !matches!(self, Self::Due | Self::Passing | Self::Running)
    }

    fn letter(self) -> char {
        match self {
            Self::Outside => '.',
            Self::Due => 'd',
            Self::Passing => 'p',
            Self::Running => 'r',
            Self::Done => 'o',
            Self::Failed => 'f',
            Self::SkippedByFailure => 'x',
            Self::Skipped => 's',
        }
    }

    fn of_letter(letter: char) -> Option<Self> {
        [
            Self::Outside,
            Self::Due,
            Self::Passing,
            Self::Running,
            Self::Done,
            Self::Failed,
            Self::SkippedByFailure,
            Self::Skipped,
        ]
        .into_iter()
        .find(|standing| standing.letter() == letter)
    }
}

/// The standing of every stack, stored as one text, since most letters are equal and compress to almost nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(super) struct Standings {
    all: Vec<Standing>,
    /// How many are not over.
    open: usize,
    running: usize,
    /// The text contains an unknown letter.
    is_unreadable: bool,
}

impl Standings {
    pub(super) fn new(all: Vec<Standing>) -> Self {
        let open = all.iter().filter(|standing| !standing.is_over()).count();
        let running = all
            .iter()
            .filter(|standing| **standing == Standing::Running)
            .count();
        Self {
            all,
            open,
            running,
            is_unreadable: false,
        }
    }

    pub(super) fn get(&self, at: u32) -> Standing {
        self.all.get(at as usize).copied().unwrap_or(Standing::Outside)
    }

    pub(super) fn set(&mut self, at: u32, standing: Standing) {
        let Some(known) = self.all.get_mut(at as usize) else {
            return;
        };
        let old = std::mem::replace(known, standing);
        self.open = self.open + usize::from(!standing.is_over()) - usize::from(!old.is_over());
        let is_running = |standing| usize::from(standing == Standing::Running);
        self.running = self.running + is_running(standing) - is_running(old);
    }

    pub(super) fn is_unreadable(&self) -> bool {
        self.is_unreadable
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn has_running(&self) -> bool {
        self.running > 0
    }

    pub(super) fn is_over(&self) -> bool {
        self.open == 0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Standing)> {
        (0..).zip(self.all.iter().copied())
    }
}

impl From<String> for Standings {
    /// An unreadable part must not prevent the rest of the state from being read.
    fn from(text: String) -> Self {
        let all: Vec<Option<Standing>> = text.chars().map(Standing::of_letter).collect();
        let is_unreadable = all.contains(&None);
        let all = all
            .into_iter()
            .map(|standing| standing.unwrap_or(Standing::Outside));
        Self {
            is_unreadable,
            ..Self::new(all.collect())
        }
    }
}

impl From<Standings> for String {
    fn from(standings: Standings) -> Self {
        standings.all.into_iter().map(Standing::letter).collect()
    }
}

impl Plan {
    pub(super) fn on_failure(&self, at: u32) -> OnFailure {
        let own = self.policies.get(&at).and_then(|policy| policy.on_failure);
        own.unwrap_or(self.settings.on_failure)
    }

    /// How often a failed run of the stack is retried.
    pub(super) fn retries(&self, at: u32) -> u32 {
        let own = self.policies.get(&at).and_then(|policy| policy.retries);
        own.unwrap_or(self.settings.run_retries)
    }

    pub(super) fn priority(&self, at: u32) -> i32 {
        let own = self.policies.get(&at).and_then(|policy| policy.priority);
        own.unwrap_or(0)
    }

    /// Whether a ready stack can be skipped because none of its upstreams in the cause changed anything.
    pub(super) fn is_let_out(&self, at: u32, root: Option<u32>, topology: &Topology) -> bool {
        let own = self.policies.get(&at).and_then(|policy| policy.no_change);
        let skips = own.unwrap_or(self.settings.no_change) == NoChange::Skip;
        self.minds_changes && skips && Some(at) != root && self.is_unchanged_upstream(at, root, topology)
    }

    /// A stack ended without a known run. It counts as changed if any of its upstreams did.
    pub(super) fn pass_on_change(&mut self, at: u32, root: Option<u32>, topology: &Topology) {
        if self.minds_changes && !self.changed.contains_key(&at) {
            let changed = !self.is_unchanged_upstream(at, root, topology);
            self.changed.insert(at, changed);
        }
    }

    /// Unknown counts as changed. Stacks that the cause does not run count as unchanged.
    fn is_unchanged_upstream(&self, at: u32, root: Option<u32>, topology: &Topology) -> bool {
        let by_label = |other: &&u32| topology.is_by_label(**other, at);
        let is_unchanged = |other: &u32| {
            let is_outside = self.standings.get(*other) == Standing::Outside && Some(*other) != root;
            is_outside || self.changed.get(other) == Some(&false)
        };
        topology.upstream(at).iter().filter(by_label).all(is_unchanged)
    }

    /// Whether everything that the stack waits for in this cause is over, however far upstream.
    pub(super) fn is_ready(&self, at: u32, topology: &Topology) -> bool {
        let is_over = |other: &u32| self.standings.get(*other).is_over();
        if !topology.upstream(at).iter().all(is_over) {
            return false;
        }
        !self.looks_far || self.is_all_upstream_over(at, topology)
    }

    fn is_all_upstream_over(&self, at: u32, topology: &Topology) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![at];
        while let Some(at) = open.pop() {
            for &other in topology.upstream(at) {
                if !self.standings.get(other).is_over() {
                    return false;
                }
                // Nothing waits for a root that has run, or for its upstreams.
                if self.standings.get(other) != Standing::Outside && seen.insert(other) {
                    open.push(other);
                }
            }
        }
        true
    }

    pub(super) fn ready_at_s(&self, at: u32, since_s: i64) -> i64 {
        self.ready_at_s.get(&at).copied().unwrap_or(since_s)
    }
}

impl Cause {
    /// Whether anything can start for the cause now.
    pub(super) fn may_start(&self) -> bool {
        !self.paused && !self.unapproved
    }

    /// When the root's run ended or the request was made, in seconds by Spacelift's clock.
    pub(super) fn since_s(&self) -> i64 {
        self.root.ended_at_s.unwrap_or(0)
    }

    /// If the root's dependents follow it: the commit that the root ran for this cause.
    pub(super) fn root_ran(&mut self, commit: Option<&CommitSha>) {
        if self.root.follow && self.root.is_due {
            self.root.commit = commit.cloned();
        }
    }

    /// The commit that the root ran, with its repository.
    pub(super) fn wanted(&self) -> Option<WantedCommit> {
        let repository = self.plan.as_ref()?.repository.clone()?;
        Some(WantedCommit {
            repository,
            branch: self.root.branch.clone(),
            commit: self.root.commit_facts()?,
            follow: self.root.follow,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Standing, Standings};

    #[test]
    fn standings_know_whether_any_is_open_or_running() {
        let mut standings = Standings::new(vec![Standing::Due, Standing::Running, Standing::Done]);
        assert!(standings.has_running() && !standings.is_over());
        for (at, standing, has_running, is_over) in [
            (1, Standing::Done, false, false),
            (0, Standing::Running, true, false),
            (2, Standing::Running, true, false),
            (0, Standing::Failed, true, false),
            (2, Standing::Skipped, false, true),
            (1, Standing::Passing, false, false),
            // Unknown stacks have no standing.
            (3, Standing::Running, false, false),
        ] {
            standings.set(at, standing);
            assert_eq!(standings.get(at) == standing, at < 3);
            assert_eq!(
                (standings.has_running(), standings.is_over()),
                (has_running, is_over),
                "{at}"
            );
        }
    }
}
