//! Advances runs by one state, unless something holds them.

use chain::RunState;

use crate::account::state::Account;
use crate::model::run::Run;
use crate::model::stack::Stack;
use crate::runs::progress::next_state;
use crate::runs::transition::transition;
use crate::runs::upstream::{ends_with_upstream, upstream_is_over};

/// Advances every run by one state, the oldest first. Returns whether any advanced.
pub(crate) fn step(account: &mut Account) -> bool {
    let active: Vec<usize> = account.runs.active().collect();
    let mut advanced = false;
    for index in active {
        advanced |= advance(account, index);
    }
    advanced
}

fn advance(account: &mut Account, index: usize) -> bool {
    let run = &account.runs[index];
    if *run.state() == RunState::Queued && run.is_serialized() {
        if let Some((end, why)) = ends_with_upstream(account, run) {
            transition(account, index, end, None, Some(why));
            return true;
        }
        if !has_turn(account, index) {
            return false;
        }
    }
    if *run.state() == RunState::Ready && account.no_workers {
        return false;
    }
    let stack = account.stacks.get(&run.stack);
    // While a stack is locked, nothing is deployed automatically.
    let autodeploy = |stack: &Stack| stack.settings.autodeploy && stack.lock.is_none();
    let Some(next) = next_state(run, stack.is_some_and(autodeploy)) else {
        return false;
    };
    let is_reviewed = stack.is_some_and(|stack| stack.needs_review);
    let is_planned = *run.state() == RunState::Planning && !next.is_terminal();
    let next = if is_reviewed && is_planned {
        RunState::PendingReview
    } else {
        next
    };
    let note = (next == RunState::Failed)
        .then(|| format!("{} exited with code 1", run.state().as_str().to_ascii_lowercase()));
    transition(account, index, next, None, note.as_deref());
    true
}

/// Whether a queued run may start: nothing holds it, and no other run of its stack goes first.
fn has_turn(account: &Account, index: usize) -> bool {
    let run = &account.runs[index];
    let first = !account.runs.active().any(|other| {
        let other_run = &account.runs[other];
        other_run.stack == run.stack
            && other_run.is_serialized()
            && (other_run.is_under_way()
                || (!is_held_by_lock(account, other_run) && comes_before(account, other, index)))
    });
    !is_held_by_lock(account, run) && upstream_is_over(account, run) && first
}

/// Runs of everyone except the lock's owner stay queued.
fn is_held_by_lock(account: &Account, run: &Run) -> bool {
    let stack = account.stacks.get(&run.stack);
    stack.is_none_or(|stack| stack.is_locked_for(run.triggered_by.as_deref()))
}

/// The order of two queued runs of a stack: prioritized ones first, then the older one.
fn comes_before(account: &Account, one: usize, other: usize) -> bool {
    let rank = |index: usize| (!account.runs[index].prioritized, index);
    rank(one) < rank(other)
}
