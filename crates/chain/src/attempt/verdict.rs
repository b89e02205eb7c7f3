//! Decides after one look at a stack: which run serves which causes, whether to trigger one, or what holds the stack.

use super::{AttemptRequest, Hold, HoldKind, Need, RunFacts, StackLook};
use crate::commit::{self, ChosenBecause, ChosenCommit, Commit, WantedCommit};
use crate::{ChainId, RunId, RunState};

/// The decision after a look.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and mostly it is the largest"
)]
pub enum Verdict {
    /// This run serves these causes, or may still do so: trigger none. Without causes, it is a run of ours that has to
    /// end first.
    Use {
        run: RunFacts,
        chains: Vec<ChainId>,
    },
    Trigger(ChosenCommit),
    Hold(Hold),
    Disabled,
}

/// This many runs of ours of one commit within an hour hold a stack.
pub const GUARD_RUNS: usize = 5;
const GUARD_WINDOW_S: i64 = 3600;

/// Decides what to do with a stack after one look at it.
pub fn consider(look: &StackLook, request: &AttemptRequest, now_s: i64) -> Verdict {
    if let Some(used) = run_to_use(look, request) {
        return used;
    }
    let is_ours_and_open = |run: &&RunFacts| run.ours && run.is_tracked() && !run.state.is_terminal();
    if let Some(run) = look.runs.iter().find(is_ours_and_open) {
        return Verdict::Use {
            run: run.clone(),
            chains: Vec::new(),
        };
    }
    if look.disabled {
        return Verdict::Disabled;
    }
    if let Some(by) = &look.locked_by {
        return Verdict::Hold(Hold::new(HoldKind::Lock, format!("the stack is locked by {by}")));
    }
    let wanted: Vec<WantedCommit> = request
        .needs
        .iter()
        .filter_map(|need| need.wanted.clone())
        .collect();
    let chosen = commit::choose(look, &wanted, &request.automatic);
    if let Some(hold) = guard(look, request, &chosen, now_s).filter(|_| !request.ignore_guard) {
        return Verdict::Hold(hold);
    }
    Verdict::Trigger(chosen)
}

/// The run of an uncertain attempt, otherwise the run that serves, or may serve, most of the causes.
fn run_to_use(look: &StackLook, request: &AttemptRequest) -> Option<Verdict> {
    let pinned = commit::pin(look, &request.automatic);
    let chains = |is_served: &dyn Fn(&Need) -> bool| -> Vec<ChainId> {
        let served = request.needs.iter().filter(|need| is_served(need));
        served.map(|need| need.chain.clone()).collect()
    };
    let doubted = |need: &&Need| request.in_doubt && !need.new_since_doubt;
    let doubted_since_s = request
        .needs
        .iter()
        .filter(doubted)
        .map(|need| need.ready_at_s)
        .min();
    let made_in_doubt = |run: &&RunFacts| {
        doubted_since_s.is_some_and(|since_s| run.created_at_s >= since_s)
            && run.ours
            && run.is_tracked()
            && !request.known_runs.contains(&run.id)
    };
    // A run that followed an older commit was not for the causes that need a newer one.
    let mut wanted = request.needs.iter().filter_map(|need| need.wanted.as_ref());
    let has_follow = wanted.any(|wanted| wanted.follow);
    if let Some(run) = look.runs.iter().find(made_in_doubt) {
        return Some(Verdict::Use {
            run: run.clone(),
            // A run from before a cause was ready comes from a much earlier, forgotten attempt.
            chains: chains(&|need| {
                let is_triggered_for = doubted(&need)
                    && run.created_at_s >= need.ready_at_s
                    && (!has_follow || is_new_enough(look, run, need, pinned.as_ref()));
                is_triggered_for || serves(look, run, need, pinned.as_ref())
            }),
        });
    }
    look.runs
        .iter()
        .map(|run| (run, chains(&|need| serves(look, run, need, pinned.as_ref()))))
        .filter(|(_, chains)| !chains.is_empty())
        // Of equal runs, the newest. It comes first in the list.
        .rev()
        // A later run must not fail what a finished run has already served.
        .max_by_key(|(run, chains)| (run.state.is_terminal(), chains.len()))
        .map(|(run, chains)| Verdict::Use {
            run: run.clone(),
            chains,
        })
}

/// Whether a run serves a cause, or may do so once it has succeeded.
fn serves(look: &StackLook, run: &RunFacts, need: &Need, pinned: Option<&(Commit, RunId)>) -> bool {
    let may_end_well = !run.state.is_terminal() || run.state == RunState::Finished;
    run.is_tracked()
        && may_end_well
        && !run.partial
        && run.branch == look.branch
        && run.begins_after(need.ready_at_s)
        && is_new_enough(look, run, need, pinned)
}

fn is_new_enough(look: &StackLook, run: &RunFacts, need: &Need, pinned: Option<&(Commit, RunId)>) -> bool {
    let Some(of_run) = &run.commit else {
        return false;
    };
    // After a rollback by a person, the older commit serves all causes, including those that need a newer one.
    if pinned.is_some_and(|(commit, by)| commit.sha == of_run.sha && is_since(look, run, by)) {
        return true;
    }
    is_commit_new_enough(look, of_run, need)
}

/// Whether a run of this commit is enough for a cause, if nothing pins the stack.
fn is_commit_new_enough(look: &StackLook, of_run: &Commit, need: &Need) -> bool {
    let of_run = commit::with_push(look, of_run);
    let is_tracked_only = commit::is_tracked_only(look);
    let fits = |wanted: &&WantedCommit| wanted.repository == look.repository && wanted.branch == look.branch;
    match need.wanted.as_ref().filter(fits).filter(|_| !is_tracked_only) {
        Some(wanted) if wanted.follow => of_run.sha == wanted.commit.sha,
        Some(wanted) => is_same_or_newer(&of_run, &commit::with_push(look, &wanted.commit)),
        // If the root has no commit, the stack needs its own newest.
        None => look
            .tracked
            .as_ref()
            .is_none_or(|tracked| is_same_or_newer(&of_run, &commit::with_push(look, tracked))),
    }
}

/// The causes that a run of the chosen commit serves. A run that follows an older commit does not serve causes that
/// need a newer one: they stay due.
pub fn made_for(look: &StackLook, request: &AttemptRequest, chosen: &ChosenCommit) -> Vec<ChainId> {
    let followed = chosen
        .sha
        .as_ref()
        .filter(|_| chosen.why == ChosenBecause::Followed);
    let is_served = |need: &&Need| {
        followed.is_none_or(|sha| {
            let wanted = request.needs.iter().filter_map(|need| need.wanted.as_ref());
            let mut commits = wanted.map(|wanted| &wanted.commit);
            let commit = commits.find(|commit| commit.sha == *sha);
            commit.is_some_and(|commit| is_commit_new_enough(look, commit, need))
        })
    };
    let served = request.needs.iter().filter(is_served);
    served.map(|need| need.chain.clone()).collect()
}

/// Whether a run is this one or came after it. The newest runs come first.
fn is_since(look: &StackLook, run: &RunFacts, other: &RunId) -> bool {
    let place = |id: &RunId| look.runs.iter().position(|known| known.id == *id);
    place(&run.id) <= place(other)
}

fn is_same_or_newer(commit: &Commit, than: &Commit) -> bool {
    commit.sha == than.sha || than.is_older_than(commit)
}

/// Runs of ours of the commit that is about to run, within the past hour, without automatic retries of a failed run.
fn guard(look: &StackLook, request: &AttemptRequest, chosen: &ChosenCommit, now_s: i64) -> Option<Hold> {
    let sha = chosen.sha.as_ref()?;
    let mut recent = 0;
    let mut tries_left = 0;
    let of_commit = |run: &&RunFacts| run.commit.as_ref().is_some_and(|commit| commit.sha == *sha);
    let since_s = now_s - GUARD_WINDOW_S;
    let ours = look
        .runs
        .iter()
        .filter(|run| run.ours && run.created_at_s > since_s);
    // The oldest first.
    for run in ours.filter(of_commit).rev() {
        let is_retry = tries_left > 0;
        if is_retry {
            tries_left -= 1;
        } else {
            recent += 1;
            tries_left = request.run_retries;
        }
        if run.state != RunState::Failed {
            tries_left = 0;
        }
    }
    (recent >= GUARD_RUNS).then(|| {
        Hold::new(
            HoldKind::Guard,
            format!(
                "{recent} runs of commit {} within an hour look like a loop: it waits until fewer than {GUARD_RUNS} \
                 lie within the past hour",
                sha.short()
            ),
        )
    })
}
