//! Git pushes: one new commit, and the runs of the affected stacks.

use std::collections::BTreeSet;

use chain::{RunId, StackId};

use crate::account::state::Account;
use crate::model::clock::Timestamp;
use crate::model::commit::{Commit, hash_of};
use crate::model::log::LogAction;
use crate::model::push::{Push, Touched};
use crate::model::refusal::Refusal;
use crate::model::run::RunRequest;
use crate::model::stack::Stack;
use crate::runs::creation::queue_with_dependents;

/// The default branch of a push if the stacks of its repository track several.
const USUAL_BRANCH: &str = "main";

/// The result of a push.
#[derive(Debug, Clone)]
pub(crate) struct Pushed {
    pub commit: Commit,
    pub branch: String,
    pub runs: Vec<RunId>,
}

/// A push that affects one stack only, to the branch that it tracks.
pub(crate) fn push_to_stack(
    account: &mut Account,
    stack: &str,
    sha: Option<&str>,
) -> Result<Pushed, Refusal> {
    let settings = &account.stacks.existing(stack)?.settings;
    let mut request = Push::to(&settings.full_repository())
        .branch(&settings.branch)
        .touching_stacks([stack]);
    request.hash = sha.map(str::to_owned);
    push(account, &request)
}

pub(crate) fn push(account: &mut Account, push: &Push) -> Result<Pushed, Refusal> {
    let branch = branch_of(account, push)?;
    let touched = touched_stacks(account, push, &branch)?;
    let commit = pushed_commit(account, push, &branch);
    note_push(account, &push.repository, &branch, &commit);
    for id in &touched {
        if let Some(stack) = account.stacks.get_mut(id) {
            stack.tracked_commit = commit.clone();
            stack.tracked_commit_set_by = None;
        }
    }
    let runs = queue_with_dependents(account, &touched, &RunRequest::tracked(None))?;
    Ok(Pushed { commit, branch, runs })
}

fn branch_of(account: &Account, push: &Push) -> Result<String, Refusal> {
    let all = account.stacks.all();
    let followers = all.filter(|stack| stack.settings.full_repository() == push.repository);
    let branches: BTreeSet<&str> = followers.map(|stack| stack.settings.branch.as_str()).collect();
    if branches.is_empty() {
        return Err(no_follower(account, &push.repository));
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

fn no_follower(account: &Account, repository: &str) -> Refusal {
    let all = account.stacks.all();
    let known: BTreeSet<String> = all.map(|stack| stack.settings.full_repository()).collect();
    Refusal::NoFollower {
        repository: repository.to_owned(),
        known: known.into_iter().collect::<Vec<_>>().join(", "),
    }
}

/// The stacks that a push affects. Disabled ones are left out; naming one is a mistake.
fn touched_stacks(account: &Account, push: &Push, branch: &str) -> Result<Vec<StackId>, Refusal> {
    let follows = |stack: &Stack| {
        stack.settings.full_repository() == push.repository && stack.settings.branch == branch
    };
    if let Touched::Stacks(named) = &push.touched {
        for id in named {
            let stack = account.stacks.existing(id)?;
            if !follows(stack) {
                return Err(Refusal::OtherBranch {
                    id: id.clone(),
                    follows: format!("{}@{}", stack.settings.full_repository(), stack.settings.branch),
                });
            }
            stack.check_enabled()?;
        }
    }
    let all = account.stacks.all();
    Ok(all
        .filter(|stack| follows(stack) && !stack.disabled && push.touches(stack))
        .map(|stack| stack.id.clone())
        .collect())
}

fn pushed_commit(account: &mut Account, push: &Push, branch: &str) -> Commit {
    let before = account.repositories.head(&push.repository, branch);
    let hash = match &push.hash {
        Some(hash) => hash.clone(),
        None => hash_of(&[&push.repository, branch, &account.ids.ulid()]),
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
        account.repositories.keep_commit(&push.repository, made)
    };
    account.repositories.set_head(&push.repository, branch, &commit);
    commit
}

fn note_push(account: &mut Account, repository: &str, branch: &str, commit: &Commit) {
    account.log.add(
        None,
        LogAction::Push {
            repository: repository.to_owned(),
            branch: branch.to_owned(),
            commit: commit.hash.clone(),
            timestamp: commit.timestamp,
        },
    );
}
