//! Commits in the order in which they were pushed, and the choice of the one that a stack runs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CommitSha, RunFacts, RunId, StackLook};

/// A commit, and what is known of when it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    pub sha: CommitSha,
    /// The commit's own time, in seconds since 1970.
    #[serde(default)]
    pub timestamp_s: Option<i64>,
    /// The push that brought it, where a run shows it.
    #[serde(default)]
    pub push: Option<Push>,
}

/// A push, known by the tracked run that it started. Run ids of one second sort by time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Push {
    pub at_s: i64,
    pub run: RunId,
}

impl Commit {
    pub fn new(sha: CommitSha, timestamp_s: Option<i64>) -> Self {
        Self {
            sha,
            timestamp_s,
            push: None,
        }
    }

    /// Whether this commit came before `other`. `false` where nobody can tell.
    ///
    /// Pushes decide where both are known, and the commits' own times where they are not.
    pub fn is_older_than(&self, other: &Self) -> bool {
        if self.sha == other.sha {
            return false;
        }
        match (&self.push, &other.push) {
            (Some(own), Some(other)) => own < other,
            _ => matches!((self.timestamp_s, other.timestamp_s), (Some(own), Some(other)) if own < other),
        }
    }
}

/// A commit that a cause wants, and where it belongs: other repositories are never compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WantedCommit {
    pub repository: String,
    pub branch: String,
    pub commit: Commit,
}

/// The commit that a run is made of, and why that one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChosenCommit {
    /// `None`: Spacelift chooses what the stack tracks.
    #[serde(default)]
    pub sha: Option<CommitSha>,
    pub why: ChosenBecause,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ChosenBecause {
    /// The newest that is wanted: the root's.
    Root,
    /// The stack tracks a newer one, or no other is known.
    Tracked,
    /// The stack's newest run has a newer one.
    NewestRun,
    /// A person ran an older commit, which stays until the next push.
    Pinned { run: RunId },
    /// The label `spillway:commit=tracked` says so.
    Label,
    /// Spacelift refused the chosen commit as gone.
    Gone { sha: CommitSha },
}

impl fmt::Display for ChosenBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("the root's commit"),
            Self::Tracked => f.write_str("the commit that the stack tracks"),
            Self::NewestRun => f.write_str("the commit of the stack's newest run"),
            Self::Pinned { run } => write!(f, "pinned by the rollback in run {run}"),
            Self::Label => f.write_str("its label says that it runs what it tracks"),
            Self::Gone { sha } => write!(f, "the tracked commit, since {} is gone", sha.short()),
        }
    }
}

/// The label with which a stack always runs what it tracks.
pub const TRACKED_ONLY_LABEL: &str = "spillway:commit=tracked";

pub(crate) fn is_tracked_only(look: &StackLook) -> bool {
    look.labels.iter().any(|label| label.trim() == TRACKED_ONLY_LABEL)
}

/// The commit to run now: the newest of what is wanted, what the stack tracks and what its newest run has.
pub fn choose(look: &StackLook, wanted: &[WantedCommit], automatic: &[String]) -> ChosenCommit {
    let tracked = look.tracked.as_ref().map(|commit| with_push(look, commit));
    let tracked_sha = || tracked.as_ref().map(|commit| commit.sha.clone());
    if is_tracked_only(look) {
        return ChosenCommit {
            sha: tracked_sha(),
            why: ChosenBecause::Label,
        };
    }
    if let Some((commit, run)) = pin(look, automatic) {
        return ChosenCommit {
            sha: Some(commit.sha),
            why: ChosenBecause::Pinned { run },
        };
    }
    // The tracked one last: of equals, `max_by` in `newest` takes the last.
    let mut candidates: Vec<(Commit, ChosenBecause)> = wanted
        .iter()
        .filter(|wanted| wanted.repository == look.repository && wanted.branch == look.branch)
        .map(|wanted| (with_push(look, &wanted.commit), ChosenBecause::Root))
        .collect();
    candidates.extend(
        newest_run(look)
            .and_then(|run| run.commit.as_ref())
            .map(|commit| (with_push(look, commit), ChosenBecause::NewestRun)),
    );
    candidates.extend(tracked.clone().map(|commit| (commit, ChosenBecause::Tracked)));
    let Some((newest, why)) = newest(candidates) else {
        return ChosenCommit {
            sha: None,
            why: ChosenBecause::Tracked,
        };
    };
    let is_wanted = wanted.iter().any(|wanted| wanted.commit.sha == newest.sha);
    ChosenCommit {
        sha: Some(newest.sha),
        why: if is_wanted { ChosenBecause::Root } else { why },
    }
}

/// All by their pushes if each is known, else all by their own times. Those of which nothing is known are passed
/// over, unless there are no others.
fn newest(candidates: Vec<(Commit, ChosenBecause)>) -> Option<(Commit, ChosenBecause)> {
    if candidates.iter().all(|(commit, _)| commit.push.is_some()) {
        return candidates
            .into_iter()
            .max_by(|(a, _), (b, _)| a.push.cmp(&b.push));
    }
    candidates
        .into_iter()
        .max_by_key(|(commit, _)| commit.timestamp_s)
}

/// The commit with the push that brought it, if one of the stack's runs shows it.
pub(crate) fn with_push(look: &StackLook, commit: &Commit) -> Commit {
    let shown = look
        .runs
        .iter()
        .filter(|run| run.is_push() && run.branch == look.branch)
        .filter(|run| run.commit.as_ref().is_some_and(|of_run| of_run.sha == commit.sha))
        .map(RunFacts::as_push)
        .min();
    Commit {
        push: commit.push.clone().or(shown),
        ..commit.clone()
    }
}

/// The newest tracked run on the stack's present branch.
fn newest_run(look: &StackLook) -> Option<&RunFacts> {
    look.runs.iter().find(|run| run.branch == look.branch)
}

/// The commit to which a person rolled the stack back, and the run that did.
///
/// A person's run on a commit older than that of the run before pins the stack, until a push that is later.
pub(crate) fn pin(look: &StackLook, automatic: &[String]) -> Option<(Commit, RunId)> {
    let runs: Vec<&RunFacts> = look.runs.iter().filter(|run| run.branch == look.branch).collect();
    for (at, run) in runs.iter().enumerate() {
        if run.is_push() {
            return None;
        }
        let by_person = !run.ours
            && !run.drift_detection
            && run
                .triggered_by
                .as_ref()
                .is_some_and(|by| !automatic.contains(by));
        if !by_person {
            continue;
        }
        let own = run.commit.as_ref().map(|commit| with_push(look, commit));
        let before = runs[at + 1..].iter().find_map(|run| run.commit.as_ref());
        if let (Some(own), Some(before)) = (own, before)
            && own.is_older_than(&with_push(look, before))
        {
            return Some((own, run.id.clone()));
        }
    }
    None
}
