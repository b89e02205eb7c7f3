//! One cause, and where each stack stands for it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::topology::Topology;
use crate::commit::WantedCommit;
use crate::{ChainId, ChainSettings, Reason, Root};

/// Numbers causes in the order in which they were told.
pub(super) type CauseNumber = u32;

/// Why stacks have to run: a root run that ended well, or a request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Cause {
    pub(super) chain: ChainId,
    pub(super) root: Root,
    pub(super) by: Option<String>,
    /// Absent until it is planned.
    pub(super) plan: Option<Plan>,
    pub(super) paused: bool,
    /// Nothing new starts for it, and why.
    #[serde(default)]
    pub(super) stopped: Option<Reason>,
    /// Its record was ended by force: it cannot be told anything.
    #[serde(default)]
    pub(super) is_gone: bool,
}

/// What a cause needs, by the numbers of its topology.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Which topology.
    pub(super) topology: u32,
    pub(super) settings: ChainSettings,
    /// Where the root's repository is, if it is known.
    pub(super) repository: Option<String>,
    pub(super) standings: Standings,
    /// The stacks that are passed over where everything goes well.
    pub(super) passing: BTreeSet<u32>,
    /// Something failed where Spacelift has dependencies of its own: a stack may be over before its upstream is, and what
    /// waits for it looks further upstream.
    #[serde(default)]
    pub(super) looks_far: bool,
    /// For stacks of which something upstream has ended: when the last of it did, in seconds by Spacelift's clock.
    pub(super) ready_at_s: BTreeMap<u32, i64>,
    /// How many runs of ours for this cause take a slot.
    #[serde(skip)]
    pub(super) slots: u32,
}

/// Where a stack stands for a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is not downstream of the root.
    Outside,
    /// The cause needs a run of it.
    Due,
    /// It is not run, and what waits for it goes on once all that it waits for is done.
    Passing,
    /// A run is there that is to serve the cause.
    Running,
    Done,
    Failed,
    /// Something upstream of it failed.
    SkippedByFailure,
    /// It will not run, whatever happens.
    Skipped,
}

impl Standing {
    /// Whatever waits for it need not wait any longer.
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

/// Every stack's standing; kept as one text, since most are equal and compress to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub(super) struct Standings {
    all: Vec<Standing>,
    /// How many are not over.
    open: usize,
    running: usize,
    /// The text had a letter that stands for nothing.
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
    /// What cannot be read must not keep the rest of the state from being read.
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
                // A root that has run, and what lies upstream of it, is nobody's to wait for.
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
    /// The end of the root's run, or the moment of the request, in seconds by Spacelift's clock.
    pub(super) fn since_s(&self) -> i64 {
        self.root.ended_at_s.unwrap_or(0)
    }

    /// The commit that the root ran, with the place to which it belongs.
    pub(super) fn wanted(&self) -> Option<WantedCommit> {
        let repository = self.plan.as_ref()?.repository.clone()?;
        Some(WantedCommit {
            repository,
            branch: self.root.branch.clone(),
            commit: self.root.commit_facts()?,
        })
    }
}
