//! Simulated repositories: their commits, and the head of each branch.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::clock::Timestamp;
use crate::model::commit::{Commit, hash_of};
use crate::model::refusal::Refusal;
use crate::model::stack::StackSettings;

/// How much older than the account the first commit of a branch is, so that every push is newer.
const AGE_OF_FIRST_COMMIT_S: i64 = 3_600;

/// A repository, as far as it was used.
#[derive(Debug, Default)]
struct Repository {
    /// By hash. A commit keeps its timestamp, whoever runs it and however late.
    commits: BTreeMap<String, Commit>,
    /// The hash of the newest commit of each branch.
    heads: BTreeMap<String, String>,
    /// Hashes of commits that can no longer be run.
    gone: BTreeSet<String>,
}

/// The repositories of all stacks.
#[derive(Debug)]
pub(crate) struct Repositories {
    began_at: Timestamp,
    /// By `owner/name`.
    by_name: BTreeMap<String, Repository>,
}

impl Default for Repositories {
    fn default() -> Self {
        Self {
            began_at: Timestamp::now(),
            by_name: BTreeMap::new(),
        }
    }
}

impl Repositories {
    /// The newest commit of a branch: its first one until somebody pushes.
    pub(crate) fn head(&mut self, repository: &str, branch: &str) -> Commit {
        if let Some(head) = self.head_of_branch(repository, branch) {
            return head.clone();
        }
        let first = Commit {
            timestamp: self.first_commit_at(),
            ..Commit::new(repository, &hash_of(&[repository, branch]), "Initial commit")
        };
        self.set_head(repository, branch, &first);
        first
    }

    /// The head of the branch that a stack tracks.
    pub(crate) fn head_of_stack(&mut self, settings: &StackSettings) -> Commit {
        self.head(&settings.full_repository(), &settings.branch)
    }

    /// A commit by its hash. An unknown one counts as made just now.
    pub(crate) fn commit(&mut self, repository: &str, hash: &str) -> Commit {
        self.keep_commit(repository, Commit::new(repository, hash, "Another commit"))
    }

    /// A commit that is older than the account.
    pub(crate) fn old_commit(&mut self, repository: &str, hash: &str) -> Commit {
        let commit = Commit {
            timestamp: self.first_commit_at(),
            ..Commit::new(repository, hash, "Initial commit")
        };
        self.keep_commit(repository, commit)
    }

    /// Refuses a commit that was removed.
    pub(crate) fn check_commit(&self, repository: &str, hash: &str) -> Result<(), Refusal> {
        let known = self.by_name.get(repository);
        if known.is_some_and(|known| known.gone.contains(hash)) {
            return Err(Refusal::CommitGone {
                hash: hash.to_owned(),
                repository: repository.to_owned(),
            });
        }
        Ok(())
    }

    /// Adds a commit, unless it is known: then the known one stays unchanged.
    pub(crate) fn keep_commit(&mut self, repository: &str, commit: Commit) -> Commit {
        let commits = &mut self.by_name.entry(repository.to_owned()).or_default().commits;
        commits.entry(commit.hash.clone()).or_insert(commit).clone()
    }

    pub(crate) fn set_head(&mut self, repository: &str, branch: &str, commit: &Commit) {
        let known = self.by_name.entry(repository.to_owned()).or_default();
        known.commits.insert(commit.hash.clone(), commit.clone());
        known.heads.insert(branch.to_owned(), commit.hash.clone());
        known.gone.remove(&commit.hash);
    }

    fn head_of_branch(&self, repository: &str, branch: &str) -> Option<&Commit> {
        let known = self.by_name.get(repository)?;
        known.commits.get(known.heads.get(branch)?)
    }

    fn first_commit_at(&self) -> i64 {
        self.began_at.seconds() - AGE_OF_FIRST_COMMIT_S
    }

    /// Removes a commit, as after a forced push. Pushing it again restores it.
    pub(crate) fn forget_commit(&mut self, repository: &str, hash: &str) {
        let known = self.by_name.entry(repository.to_owned()).or_default();
        known.gone.insert(hash.to_owned());
    }
}
