//! What an attempt to run a stack asks, finds and does: wait for a run that is there, make one, or say what holds it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::commit::{self, ChosenBecause, ChosenCommit, Commit, Push, WantedCommit};
use crate::{AccountName, ChainId, RunId, RunState, RunType, StackId};

/// What Spacelift says of one run. Times are seconds since 1970, by Spacelift's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent facts, and make no states together"
)]
pub struct RunFacts {
    pub id: RunId,
    pub run_type: RunType,
    pub state: RunState,
    pub branch: String,
    #[serde(default)]
    pub commit: Option<Commit>,
    /// `None` after a push.
    #[serde(default)]
    pub triggered_by: Option<String>,
    /// Our own API key triggered it.
    pub ours: bool,
    #[serde(default)]
    pub drift_detection: bool,
    pub created_at_s: i64,
    /// When it came into PREPARING for the first time: from then on it works on what is there.
    #[serde(default)]
    pub began_at_s: Option<i64>,
    /// When it came into the state in which it is.
    pub changed_at_s: i64,
    /// Somebody had it planned again for some of its resources, so it does not stand for the whole stack.
    #[serde(default)]
    pub partial: bool,
    /// It was planned at least once.
    #[serde(default)]
    pub planned: bool,
}

impl RunFacts {
    pub fn is_tracked(&self) -> bool {
        self.run_type == RunType::Tracked
    }

    pub fn is_push(&self) -> bool {
        self.triggered_by.is_none() && !self.drift_detection && self.is_tracked()
    }

    pub fn as_push(&self) -> Push {
        Push {
            at_s: self.created_at_s,
            run: self.id.clone(),
        }
    }

    /// What a person has to do before it goes on.
    pub fn waits_for_person(&self) -> Option<&'static str> {
        waits_for_person(&self.state)
    }

    /// It began after a moment, or has still to begin.
    fn begins_after(&self, at_s: i64) -> bool {
        self.began_at_s
            .map_or(!self.state.is_terminal(), |began| began > at_s)
    }
}

/// What a person has to do before a run in this state goes on.
pub fn waits_for_person(state: &RunState) -> Option<&'static str> {
    match state {
        RunState::Unconfirmed => Some("waits for a confirmation"),
        RunState::PendingReview => Some("waits for a review"),
        _ => None,
    }
}

/// What one look at a stack finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackLook {
    pub repository: String,
    pub branch: String,
    pub labels: Vec<String>,
    pub disabled: bool,
    pub locked_by: Option<String>,
    pub tracked: Option<Commit>,
    /// Its tracked runs, newest first.
    pub runs: Vec<RunFacts>,
}

/// What the schedule wants of one stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRequest {
    pub account: AccountName,
    pub stack: StackId,
    /// One for each cause that the run is for.
    pub needs: Vec<Need>,
    /// An attempt before this one may have made a run, and nobody knows.
    #[serde(default)]
    pub in_doubt: bool,
    /// Runs of our own that were known before: none of them is what an attempt in doubt made.
    #[serde(default)]
    pub known_runs: Vec<RunId>,
    /// Who triggers runs without a person: trigger policies, and the stacks that Spacelift itself runs before this one.
    #[serde(default)]
    pub automatic: Vec<String>,
    /// A person said that the guard against loops does not count now.
    #[serde(default)]
    pub ignore_guard: bool,
}

/// What one cause needs of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    pub chain: ChainId,
    /// The end of everything upstream in that cause.
    pub ready_at_s: i64,
    #[serde(default)]
    pub wanted: Option<WantedCommit>,
    /// The attempt that is in doubt was not for it.
    #[serde(default)]
    pub new_since_doubt: bool,
}

/// What follows from a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// This run serves, or may still serve, these causes: make none. For no causes, it is a run of ours that has to end
    /// first.
    Use {
        run: RunFacts,
        chains: Vec<ChainId>,
    },
    Trigger(ChosenCommit),
    Hold(Hold),
    Disabled,
}

/// What keeps a stack that is due from running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    pub kind: HoldKind,
    /// In one line, for people.
    pub text: String,
}

impl Hold {
    pub fn new(kind: HoldKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// A person locked the stack.
    Lock,
    /// The same commit ran too often within the hour.
    Guard,
    /// Spacelift cannot be reached, or asked for patience.
    Trouble,
    /// Spacelift refused, and is asked again.
    Refused,
    /// The whole account is halted.
    Halt,
    /// Two Spillways work on the account.
    Conflict,
}

/// How many runs of ours of one commit within an hour hold a stack.
pub const GUARD_RUNS: usize = 5;
const GUARD_WINDOW_S: i64 = 3600;

/// Decides what to do with a stack, from one look at it.
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
    if let Some(hold) = guard(look, &chosen, now_s).filter(|_| !request.ignore_guard) {
        return Verdict::Hold(hold);
    }
    Verdict::Trigger(chosen)
}

/// The run that an attempt in doubt made, else the one that serves, or may serve, most of the causes.
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
    if let Some(run) = look.runs.iter().find(made_in_doubt) {
        return Some(Verdict::Use {
            run: run.clone(),
            // Not one that was made before a cause was ready: that was by an attempt long before, which was forgotten.
            chains: chains(&|need| {
                (doubted(&need) && run.created_at_s >= need.ready_at_s)
                    || serves(look, run, need, pinned.as_ref())
            }),
        });
    }
    look.runs
        .iter()
        .map(|run| (run, chains(&|need| serves(look, run, need, pinned.as_ref()))))
        .filter(|(_, chains)| !chains.is_empty())
        // Of equals the newest, which stands first.
        .rev()
        // What one that is over has served, a later run must not fail.
        .max_by_key(|(run, chains)| (run.state.is_terminal(), chains.len()))
        .map(|(run, chains)| Verdict::Use {
            run: run.clone(),
            chains,
        })
}

/// Whether a run serves a cause, or may do so once it has ended well.
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
    // What a person rolled back to serves from then on, also causes that want newer.
    if pinned.is_some_and(|(commit, by)| commit.sha == of_run.sha && is_since(look, run, by)) {
        return true;
    }
    let of_run = commit::with_push(look, of_run);
    let is_tracked_only = commit::is_tracked_only(look);
    let fits = |wanted: &&WantedCommit| wanted.repository == look.repository && wanted.branch == look.branch;
    match need.wanted.as_ref().filter(fits).filter(|_| !is_tracked_only) {
        Some(wanted) => is_same_or_newer(&of_run, &commit::with_push(look, &wanted.commit)),
        // Without a commit of the root's, the stack's own newest is what is wanted.
        None => look
            .tracked
            .as_ref()
            .is_none_or(|tracked| is_same_or_newer(&of_run, &commit::with_push(look, tracked))),
    }
}

/// Whether a run is a certain one, or came after it: the newest stand first.
fn is_since(look: &StackLook, run: &RunFacts, other: &RunId) -> bool {
    let place = |id: &RunId| look.runs.iter().position(|known| known.id == *id);
    place(&run.id) <= place(other)
}

fn is_same_or_newer(commit: &Commit, than: &Commit) -> bool {
    commit.sha == than.sha || than.is_older_than(commit)
}

/// Runs of ours of the commit that is about to run, within the past hour.
fn guard(look: &StackLook, chosen: &ChosenCommit, now_s: i64) -> Option<Hold> {
    let sha = chosen.sha.as_ref()?;
    let recent = look
        .runs
        .iter()
        .filter(|run| run.ours && run.created_at_s > now_s - GUARD_WINDOW_S)
        .filter(|run| run.commit.as_ref().is_some_and(|commit| commit.sha == *sha))
        .count();
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

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and mostly it is the largest"
)]
pub enum AttemptOutcome {
    /// There is a run for these causes: made now, or there already.
    Run {
        run: RunFacts,
        made: bool,
        chains: Vec<ChainId>,
        /// Another run of the stack is not over, and this one waits behind it.
        behind: bool,
        #[serde(default)]
        chosen: Option<ChosenBecause>,
    },
    /// It has to wait, and is asked again after this long.
    Held { hold: Hold, again_in_ms: Option<i64> },
    /// The stack is disabled.
    Disabled,
    /// Spacelift knows no such stack, or does not show it to our key.
    NotVisible,
    /// Spacelift understood, and will not.
    Refused { message: String },
    /// It did not work this time. `in_doubt`: a run may have been made all the same.
    Trouble {
        message: String,
        in_doubt: bool,
        again_in_ms: Option<i64>,
    },
}
