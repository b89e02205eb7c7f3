//! Selects the authentic events that are worth recording: those that can change a decision.

use std::fmt;
use std::time::Duration;

use super::RunEvent;
use crate::attempt::waits_for_person;
use crate::settings::milliseconds;
use crate::{AccountName, RunState, RunType};

/// The oldest event that is accepted. A delivery has no proof of when it was sent, so an older one may be a replay of a
/// run whose workflow Temporal has deleted. Spacelift stops retrying long before; the sweep finds what was lost.
pub const EVENT_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// How far an event can be ahead of our clock. An event from the future could be replayed until then.
pub const EVENT_AHEAD_MAX: Duration = Duration::from_secs(600);

/// Why an authentic event has no effect.
#[derive(Debug, Clone, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum IrrelevantEvent {
    OtherAccount {
        account: AccountName,
    },
    RunType {
        run_type: RunType,
    },
    TooOld {
        hours: i64,
    },
    FromTheFuture {
        minutes: i64,
    },
    /// The run continues by itself. Only its beginning, its end and waiting for a person matter.
    Progress {
        state: RunState,
    },
}

impl IrrelevantEvent {
    /// One word for programs.
    pub fn code(&self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for IrrelevantEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherAccount { account } => write!(f, "it is about the account `{account}`"),
            Self::RunType { run_type } => write!(f, "a {run_type} run starts no chain"),
            Self::TooOld { hours } if *hours >= 48 => write!(f, "the event is {} days old", hours / 24),
            Self::TooOld { hours } => write!(f, "the event is {hours} hours old"),
            Self::FromTheFuture { minutes } => write!(f, "it is {minutes} minutes ahead of this clock"),
            Self::Progress { state } => write!(
                f,
                "a run that is {state} continues by itself: only its beginning, its end and waiting for a person matter"
            ),
        }
    }
}

/// Why an event is not recorded, if it is not. `ours` is the account that is configured. With `pull_requests`, the end of a
/// proposed run is recorded too.
pub fn why_irrelevant(
    event: &RunEvent,
    ours: Option<&AccountName>,
    pull_requests: bool,
    now_ms: i64,
) -> Option<IrrelevantEvent> {
    if let Some(other) = is_other_account(&event.account, ours) {
        return Some(other);
    }
    let is_proposed = event.run_type == RunType::Proposed && event.state == RunState::Finished;
    if event.run_type != RunType::Tracked && !(pull_requests && is_proposed) {
        return Some(IrrelevantEvent::RunType {
            run_type: event.run_type.clone(),
        });
    }
    if let Some(why) = why_replayable(event, now_ms) {
        return Some(why);
    }
    let begins =
        matches!(event.state, RunState::Queued | RunState::Pending) || event.state_version == Some(1);
    let counts = begins || event.state.is_terminal() || waits_for_person(&event.state).is_some();
    (!counts).then(|| IrrelevantEvent::Progress {
        state: event.state.clone(),
    })
}

/// Why an event may be a replay, whatever it is about.
pub fn why_replayable(event: &RunEvent, now_ms: i64) -> Option<IrrelevantEvent> {
    let age_ms = now_ms.saturating_sub(event.timestamp_ms);
    if age_ms > milliseconds(EVENT_AGE_MAX) {
        return Some(IrrelevantEvent::TooOld {
            hours: age_ms / 3_600_000,
        });
    }
    (age_ms < -milliseconds(EVENT_AHEAD_MAX)).then_some(IrrelevantEvent::FromTheFuture {
        minutes: -age_ms / 60_000,
    })
}

/// Whether something belongs to an account other than the configured one.
pub fn is_other_account(account: &AccountName, ours: Option<&AccountName>) -> Option<IrrelevantEvent> {
    ours.is_some_and(|ours| ours != account)
        .then(|| IrrelevantEvent::OtherAccount {
            account: account.clone(),
        })
}
