//! Advances runs at a pace. It does not know whose they are.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::model::pace::Pace;

/// The shortest interval: a tick takes the account's lock.
const PERIOD_MIN: Duration = Duration::from_millis(1);

/// Whether there is still an account to advance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stepped {
    Yes,
    AccountGone,
}

/// Starts a task that calls `step` at this pace, until the account is gone. Returns whether it could: it needs a tokio
/// runtime.
pub(crate) fn start(pace: watch::Receiver<Pace>, step: impl Fn() -> Stepped + Send + 'static) -> bool {
    let Ok(runtime) = Handle::try_current() else {
        return false;
    };
    runtime.spawn(drive(pace, step));
    true
}

async fn drive(mut pace: watch::Receiver<Pace>, step: impl Fn() -> Stepped) {
    loop {
        let now = *pace.borrow_and_update();
        let Pace::Every(period) = now else {
            if pace.changed().await.is_err() {
                return;
            }
            continue;
        };
        let mut ticks = tokio::time::interval(period.max(PERIOD_MIN));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            tokio::select! {
                changed = pace.changed() => match changed {
                    Ok(()) => break,
                    Err(_) => return,
                },
                _ = ticks.tick() => if step() == Stepped::AccountGone {
                    return;
                },
            };
        }
    }
}
