//! Git pushes: one new commit, and the runs of the affected stacks.

use std::collections::BTreeSet;

use chain::{RunId, StackId};

use crate::account::state::Account;
use crate::controls::control::PushRequest;
use crate::mock::MockSpacelift;
use crate::model::clock::Timestamp;
use crate::model::commit::{Commit, hash_of};
use crate::model::journal::LogAction;
use crate::model::refusal::Refusal;
use crate::model::refusal::done;
use crate::model::run::RunRequest;
use crate::model::stack::Stack;

/// The default branch of a push if the stacks of its repository track several.
const USUAL_BRANCH: &str = "main";

/// A push of one commit to a branch: `Push::to("acme/infra").touching_paths(["network/main.tf"])`.
#[derive(Debug, Clone)]
pub struct Push {
    repository: String,
    branch: Option<String>,
    hash: Option<String>,
    message: String,
    author: String,
    timestamp: Option<i64>,
    touched: Touched,
}

/// Which of the stacks that track the branch are affected by a push.
#[derive(Debug, Clone)]
enum Touched {
    All,
    Paths(Vec<String>),
    Stacks(Vec<String>),
}

/// The result of a push.
#[derive(Debug, Clone)]
pub(crate) struct Pushed {
    pub commit: Commit,
    pub branch: String,
    pub runs: Vec<RunId>,
}

impl Push {
    /// A push to `owner/name` that affects every stack of the repository, to the branch that they track.
    pub fn to(repository: &str) -> Self {
        Self {
            repository: repository.to_owned(),
            branch: None,
            hash: None,
            message: "A change".to_owned(),
            author: "Alice".to_owned(),
            timestamp: None,
            touched: Touched::All,
        }
    }

    #[must_use]
    pub fn branch(mut self, branch: &str) -> Self {
        self.branch = Some(branch.to_owned());
        self
    }

    /// The hash of the commit. A commit that was pushed before keeps its timestamp.
    #[must_use]
    pub fn commit(mut self, sha: &str) -> Self {
        self.hash = Some(sha.to_owned());
        self
    }

    #[must_use]
    pub fn message(mut self, message: &str) -> Self {
        message.clone_into(&mut self.message);
        self
    }

    /// The author of the commit.
    #[must_use]
    pub fn author(mut self, name: &str) -> Self {
        name.clone_into(&mut self.author);
        self
    }

    /// When the commit was made, in Unix seconds. The default is now, or the time of the branch's head if that is
    /// later.
    #[must_use]
    pub fn at(mut self, seconds: i64) -> Self {
        self.timestamp = Some(seconds);
        self
    }

    /// Only stacks whose project root contains one of these files. A stack without a project root contains all.
    #[must_use]
    pub fn touching_paths<P: Into<String>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.touched = Touched::Paths(paths.into_iter().map(Into::into).collect());
        self
    }

    /// Only these stacks. If there are none, the commit is pushed and nothing runs.
    #[must_use]
    pub fn touching_stacks<S: Into<String>>(mut self, stacks: impl IntoIterator<Item = S>) -> Self {
        self.touched = Touched::Stacks(stacks.into_iter().map(Into::into).collect());
        self
    }

    /// The same push with the details of a request.
    pub(crate) fn with_details(mut self, request: &PushRequest) -> Self {
        self.branch = request.branch.clone().or(self.branch);
        self.hash.clone_from(&request.commit);
        self.message = request.message.clone().unwrap_or(self.message);
        self.author = request.author.clone().unwrap_or(self.author);
        self.timestamp = request.at;
        if !request.paths.is_empty() {
            self.touched = Touched::Paths(request.paths.clone());
        }
        self
    }

    pub(crate) fn repository(&self) -> &str {
        &self.repository
    }

    fn touches(&self, stack: &Stack) -> bool {
        match &self.touched {
            Touched::All => true,
            Touched::Stacks(stacks) => stacks.iter().any(|id| id == stack.id.as_str()),
            Touched::Paths(paths) => {
                let root = stack.settings.project_root.as_deref().unwrap_or_default();
                paths.iter().any(|path| contains(root, path))
            }
        }
    }
}

impl From<&str> for Push {
    fn from(repository: &str) -> Self {
        Self::to(repository)
    }
}

/// Whether a file is below a project root.
fn contains(root: &str, path: &str) -> bool {
    let root = root.trim_matches('/');
    let below = path.trim_start_matches('/').strip_prefix(root);
    root.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl MockSpacelift {
    /// One push, and a tracked run of every affected stack that tracks the repository and branch. Takes a repository,
    /// `owner/name`, or a [`Push`]. Returns the runs of those stacks, but not of the stacks that natively depend on
    /// them.
    #[track_caller]
    pub fn push_to(&self, push: impl Into<Push>) -> Vec<RunId> {
        let push = push.into();
        done(self.write(|account| account.push(&push))).runs
    }

    /// A push that affects one stack only: a new commit, and a tracked run that nobody triggered.
    #[track_caller]
    pub fn push(&self, stack: &str) -> RunId {
        self.push_to_stack(stack, None)
    }

    /// A push of this commit that affects one stack only.
    #[track_caller]
    pub fn push_commit(&self, stack: &str, sha: &str) -> RunId {
        self.push_to_stack(stack, Some(sha))
    }

    #[track_caller]
    fn push_to_stack(&self, stack: &str, sha: Option<&str>) -> RunId {
        let pushed = done(self.write(|account| account.push_to_stack(stack, sha)));
        let [run] = pushed.runs.try_into().expect("one stack has one run");
        run
    }
}

impl Account {
    /// A push that affects one stack only, to the branch that it tracks.
    pub(crate) fn push_to_stack(&mut self, stack: &str, sha: Option<&str>) -> Result<Pushed, Refusal> {
        let settings = &self.existing_stack(stack)?.settings;
        let mut push = Push::to(&settings.full_repository())
            .branch(&settings.branch)
            .touching_stacks([stack]);
        push.hash = sha.map(str::to_owned);
        self.push(&push)
    }

    pub(crate) fn push(&mut self, push: &Push) -> Result<Pushed, Refusal> {
        let branch = self.branch_of(push)?;
        let touched = self.touched_stacks(push, &branch)?;
        let commit = self.pushed_commit(push, &branch);
        self.note_push(&push.repository, &branch, &commit);
        for id in &touched {
            if let Some(stack) = self.stacks.get_mut(id) {
                stack.tracked_commit = commit.clone();
                stack.tracked_commit_set_by = None;
            }
        }
        let runs = self.queue_with_dependents(&touched, &RunRequest::tracked(None))?;
        Ok(Pushed { commit, branch, runs })
    }

    fn branch_of(&self, push: &Push) -> Result<String, Refusal> {
        let all = self.stacks.values();
        let followers = all.filter(|stack| stack.settings.full_repository() == push.repository);
        let branches: BTreeSet<&str> = followers.map(|stack| stack.settings.branch.as_str()).collect();
        if branches.is_empty() {
            return Err(self.no_follower(&push.repository));
        }
        match (&push.branch, branches.first()) {
            (Some(branch), _) => Ok(branch.clone()),
            (None, Some(only)) if branches.len() == 1 => Ok((*only).to_owned()),
            _ if branches.contains(USUAL_BRANCH) => Ok(USUAL_BRANCH.to_owned()),
            _ => Err(Refusal::SeveralBranches {
                repository: push.repository.clone(),
                branches: branches.into_iter().collect::<Vec<_>>().join(", "),
            }),
        }
    }

    fn no_follower(&self, repository: &str) -> Refusal {
        let all = self.stacks.values();
        let known: BTreeSet<String> = all.map(|stack| stack.settings.full_repository()).collect();
        Refusal::NoFollower {
            repository: repository.to_owned(),
            known: known.into_iter().collect::<Vec<_>>().join(", "),
        }
    }

    /// The stacks that a push affects. Disabled ones are left out; naming one is a mistake.
    fn touched_stacks(&self, push: &Push, branch: &str) -> Result<Vec<StackId>, Refusal> {
        let follows = |stack: &Stack| {
            stack.settings.full_repository() == push.repository && stack.settings.branch == branch
        };
        if let Touched::Stacks(named) = &push.touched {
            for id in named {
                let stack = self.existing_stack(id)?;
                if !follows(stack) {
                    return Err(Refusal::OtherBranch {
                        id: id.clone(),
                        follows: format!("{}@{}", stack.settings.full_repository(), stack.settings.branch),
                    });
                }
                stack.check_enabled()?;
            }
        }
        let all = self.stacks.values();
        Ok(all
            .filter(|stack| follows(stack) && !stack.disabled && push.touches(stack))
            .map(|stack| stack.id.clone())
            .collect())
    }

    fn pushed_commit(&mut self, push: &Push, branch: &str) -> Commit {
        let before = self.head(&push.repository, branch);
        let hash = match &push.hash {
            Some(hash) => hash.clone(),
            None => hash_of(&[&push.repository, branch, &self.ulid()]),
        };
        let made = Commit {
            author_login: Some(push.author.to_lowercase()),
            author_name: push.author.clone(),
            timestamp: push
                .timestamp
                .unwrap_or_else(|| Timestamp::now().seconds().max(before.timestamp)),
            ..Commit::new(&push.repository, &hash, &push.message)
        };
        let commit = if push.timestamp.is_some() {
            made
        } else {
            self.keep_commit(&push.repository, made)
        };
        self.set_head(&push.repository, branch, &commit);
        commit
    }

    fn note_push(&mut self, repository: &str, branch: &str, commit: &Commit) {
        self.note(
            None,
            LogAction::Push {
                repository: repository.to_owned(),
                branch: branch.to_owned(),
                commit: commit.hash.clone(),
                timestamp: commit.timestamp,
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::contains;

    #[test]
    fn a_project_root_contains_what_is_below_it() {
        let table = [
            ("", "anything.tf", true),
            ("network", "network/main.tf", true),
            ("/network/", "network/modules/a.tf", true),
            ("network", "/network/main.tf", true),
            ("network", "network", true),
            ("network", "networking/main.tf", false),
            ("network", "modules/network/main.tf", false),
            ("a/b", "a/b/c.tf", true),
            ("a/b", "a/c.tf", false),
        ];
        for (root, path, expected) in table {
            assert_eq!(contains(root, path), expected, "{path} in {root}");
        }
    }
}
