//! What an attempt at a stack needs to know, what it finds, and what it does: wait for an existing run, trigger one, or
//! report what holds the stack.

mod verdict;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::verdict::{GUARD_RUNS, Verdict, consider, made_for};
use crate::commit::{ChosenBecause, Commit, Push, WantedCommit};
use crate::{AccountName, ChainId, RunId, RunState, RunType, SpaceId, StackId};

/// One run, as Spacelift reports it. Times are seconds since 1970, by Spacelift's clock.
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
    /// Our own API key triggered the run.
    pub ours: bool,
    /// The Temporal namespace of another Spillway that triggered the run with our API key.
    #[serde(default)]
    pub other_spillway: Option<String>,
    #[serde(default)]
    pub drift_detection: bool,
    pub created_at_s: i64,
    /// When the run first entered PREPARING. From then on it works on the state of that moment.
    #[serde(default)]
    pub began_at_s: Option<i64>,
    /// When the run entered its current state.
    pub changed_at_s: i64,
    /// Somebody replanned the run for some of its resources, so it does not stand for the whole stack.
    #[serde(default)]
    pub partial: bool,
    /// The run was planned at least once.
    #[serde(default)]
    pub planned: bool,
    /// Whether the plan changed any resource, if that is known.
    #[serde(default)]
    pub changed: Option<bool>,
    /// Spacelift no longer shows it, so its end is assumed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// When a webhook reported its latest state, by our clock. Traces show it; it decides nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_at_ms: Option<i64>,
}

impl RunFacts {
    /// The end of a tracked run that Spacelift no longer shows: its stack was deleted, or our key lost the right to see it.
    pub fn gone(id: RunId, now_s: i64) -> Self {
        Self {
            id,
            run_type: RunType::Tracked,
            state: RunState::Canceled,
            branch: String::new(),
            commit: None,
            triggered_by: None,
            ours: false,
            other_spillway: None,
            drift_detection: false,
            created_at_s: now_s,
            began_at_s: None,
            changed_at_s: now_s,
            partial: false,
            planned: false,
            changed: None,
            gone: true,
            reported_at_ms: None,
        }
    }

    /// It ended, and may have changed resources before.
    pub fn may_have_applied(&self) -> bool {
        let is_applied = matches!(
            self.state,
            RunState::Finished | RunState::Failed | RunState::Stopped
        );
        is_applied && self.changed == Some(true)
    }

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

    /// What a person has to do before the run continues.
    pub fn waits_for_person(&self) -> Option<&'static str> {
        waits_for_person(&self.state)
    }

    /// The run began after a moment, or has not begun yet.
    fn begins_after(&self, at_s: i64) -> bool {
        self.began_at_s
            .map_or(!self.state.is_terminal(), |began| began > at_s)
    }
}

/// What a run waits for if an approval policy requires a review.
pub const REVIEW: &str = "waits for a review";

/// What a person has to do before a run in this state continues.
pub fn waits_for_person(state: &RunState) -> Option<&'static str> {
    match state {
        RunState::Unconfirmed => Some("waits for a confirmation"),
        RunState::PendingReview => Some(REVIEW),
        _ => None,
    }
}

/// Whether a note in a record says that a run waits for a person. Other notes are about holds, which can end by themselves.
pub fn is_wait_for_person(note: &str) -> bool {
    RunState::ALL
        .iter()
        .any(|state| waits_for_person(state) == Some(note))
}

/// What one look at a stack finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StackLook {
    pub repository: String,
    pub branch: String,
    pub labels: Vec<String>,
    pub space: Option<SpaceId>,
    pub disabled: bool,
    pub locked_by: Option<String>,
    pub tracked: Option<Commit>,
    /// The tracked runs, newest first.
    pub runs: Vec<RunFacts>,
}

/// What the schedule needs to know about one stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRequest {
    pub account: AccountName,
    pub stack: StackId,
    /// When the schedule decided, by our clock.
    #[serde(default)]
    pub decided_at_ms: i64,
    /// One entry for each cause that the run is for.
    pub needs: Vec<Need>,
    /// An earlier attempt may have triggered a run, but that is uncertain.
    #[serde(default)]
    pub in_doubt: bool,
    /// Runs of ours that were known before. None of them comes from an uncertain attempt.
    #[serde(default)]
    pub known_runs: Vec<RunId>,
    /// Who triggers runs without a person: trigger policies, and the stacks after which Spacelift itself runs this one.
    #[serde(default)]
    pub automatic: Vec<String>,
    /// A person allowed the next run despite the loop guard and the configured freeze windows.
    #[serde(default)]
    pub ignore_guard: bool,
    /// How often a failed run of the stack is retried. Retries do not count for the loop guard.
    #[serde(default)]
    pub run_retries: u32,
}

/// What one cause needs from a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    pub chain: ChainId,
    /// When everything upstream had ended for this cause.
    pub ready_at_s: i64,
    #[serde(default)]
    pub wanted: Option<WantedCommit>,
    /// The uncertain attempt was not for this cause.
    #[serde(default)]
    pub new_since_doubt: bool,
}

/// Why a due stack does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    pub kind: HoldKind,
    /// One line for people.
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
    /// The same commit ran too often within an hour.
    Guard,
    /// Spacelift cannot be reached, or asked us to wait.
    Trouble,
    /// Spacelift refused. The trigger is retried.
    Refused,
    /// The account is halted.
    Halt,
    /// Two Spillways work on the account.
    Conflict,
    /// A freeze covers the stack.
    Freeze,
    /// The run failed and is retried.
    Retry,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and mostly it is the largest"
)]
pub enum AttemptOutcome {
    /// A run exists for these causes. It was triggered now, or existed before.
    Run {
        run: RunFacts,
        made: bool,
        chains: Vec<ChainId>,
        /// Another run of the stack is unfinished, and this one waits behind it.
        behind: bool,
        #[serde(default)]
        chosen: Option<ChosenBecause>,
    },
    /// The stack has to wait. The next attempt is after this pause.
    Held { hold: Hold, again_in_ms: Option<i64> },
    /// The stack is disabled.
    Disabled,
    /// Spacelift has no such stack, or does not show it to our key.
    NotVisible,
    /// Spacelift refused the trigger for good.
    Refused { message: String },
    /// The attempt failed this time. `in_doubt`: a run may exist nevertheless.
    Trouble {
        message: String,
        in_doubt: bool,
        again_in_ms: Option<i64>,
    },
}
