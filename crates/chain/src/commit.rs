//! Orders commits by when they were pushed, and chooses the commit that a stack runs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Chain, ChainStack, CommitSha, RunFacts, RunId, StackLook, StackPolicy};

/// A commit, and what is known about when it was pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commit {
    pub sha: CommitSha,
    /// The commit's own time, in seconds since 1970.
    #[serde(default)]
    pub timestamp_s: Option<i64>,
    /// The push that brought it, if a run shows that.
    #[serde(default)]
    pub push: Option<Push>,
}

/// A push, identified by the tracked run that it started. Within one second, run ids sort by time.
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

    /// Whether this commit came before `other`. `false` if that is unknown.
    ///
    /// Pushes decide if both are known, otherwise the commits' own times.
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

/// A commit that a cause needs, and its repository: commits of different repositories are never compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WantedCommit {
    pub repository: String,
    pub branch: String,
    pub commit: Commit,
    /// The commit is needed even if a newer one is known, because a person requested it.
    #[serde(default)]
    pub follow: bool,
}

/// The commit of a new run, and the reason for the choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChosenCommit {
    /// `None`: Spacelift chooses the tracked commit of the stack.
    #[serde(default)]
    pub sha: Option<CommitSha>,
    pub why: ChosenBecause,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ChosenBecause {
    /// The newest commit that a cause needs: the root's.
    Root,
    /// The stack tracks a newer commit, or no other is known.
    Tracked,
    /// The stack's newest run has a newer commit.
    NewestRun,
    /// A person ran an older commit, which stays until the next push.
    Pinned { run: RunId },
    /// The root's commit, even if it is older than the stack's own: the request says so.
    Followed,
    /// The label `spillway:commit=tracked` says so.
    Label,
    /// Spacelift refused the chosen commit because it no longer exists.
    Gone { sha: CommitSha },
}

impl fmt::Display for ChosenCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sha = self.sha.as_ref().map_or("its tracked commit", |sha| sha.short());
        write!(f, "{sha} ({})", self.why)
    }
}

impl fmt::Display for ChosenBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("the root's commit"),
            Self::Tracked => f.write_str("the commit that the stack tracks"),
            Self::NewestRun => f.write_str("the commit of the stack's newest run"),
            Self::Pinned { run } => write!(f, "pinned by the rollback in run {run}"),
            Self::Followed => f.write_str("the root's commit, which the request says to follow"),
            Self::Label => f.write_str("its label says that it always runs its tracked commit"),
            Self::Gone { sha } => write!(f, "the tracked commit, since {} is gone", sha.short()),
        }
    }
}

/// A label makes the stack always run its tracked commit.
pub(crate) fn is_tracked_only(look: &StackLook) -> bool {
    StackPolicy::of(&look.labels).0.tracked_commit_only
}

/// The commit to run now: the one to follow if a person requested that, otherwise the newest of those that causes need,
/// the tracked one and the one of the newest run.
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
    let fits = |wanted: &&WantedCommit| wanted.repository == look.repository && wanted.branch == look.branch;
    let followed = wanted.iter().filter(fits).filter(|wanted| wanted.follow);
    let followed = followed.map(|wanted| (with_push(look, &wanted.commit), ChosenBecause::Followed));
    if let Some((commit, why)) = newest(followed.collect()) {
        return ChosenCommit {
            sha: Some(commit.sha),
            why,
        };
    }
    // The tracked commit last: of equal commits, `max_by` in `newest` takes the last.
    let mut candidates: Vec<(Commit, ChosenBecause)> = wanted
        .iter()
        .filter(fits)
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

/// The commit that a stack of a planned chain would run now, if the plan says another one. Runs by trigger policies and
/// native dependencies count as those of people here, since a plan does not know them.
pub fn other_than_planned(plan: &Chain, stack: &ChainStack, look: &StackLook) -> Option<ChosenCommit> {
    let root = &plan.root;
    let repository = plan.root_repository.clone().filter(|_| root.stack != stack.id);
    let wanted = repository.zip(root.commit_facts());
    let wanted = wanted.map(|(repository, commit)| WantedCommit {
        repository,
        branch: root.branch.clone(),
        commit,
        follow: root.follow,
    });
    let chosen = choose(look, wanted.as_slice(), &[]);
    (chosen.sha.is_some() && chosen.sha.as_ref() != stack.planned_commit()).then_some(chosen)
}

/// By pushes if all are known, otherwise by the commits' own times. Commits without any time are ignored, unless there
/// are no others.
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

/// The commit with the push that brought it, if a run of the stack shows that.
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

/// The newest tracked run on the stack's current branch.
fn newest_run(look: &StackLook) -> Option<&RunFacts> {
    look.runs.iter().find(|run| run.branch == look.branch)
}

/// The commit to which a person rolled the stack back, and the run that did so.
///
/// A person's run on a commit older than that of the run before pins the stack until a later push.
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
