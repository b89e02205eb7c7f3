//! How fast runs advance.

use std::sync::Weak;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::mock::{MockSpacelift, Shared};

/// What advances the runs of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Only the test: see [`MockSpacelift::step`].
    Manual,
    /// Every run advances by one state after each such interval.
    Every(Duration),
}

/// The shortest interval: a tick takes the account's lock.
const PERIOD_MIN: Duration = Duration::from_millis(1);

/// Starts to advance the runs of an account, unless that happens already. Needs a tokio runtime.
pub(crate) fn start(shared: &Weak<Shared>, pace: watch::Receiver<Pace>) -> bool {
    let Ok(runtime) = Handle::try_current() else {
        return false;
    };
    runtime.spawn(drive(shared.clone(), pace));
    true
}

/// Ends with the account.
async fn drive(shared: Weak<Shared>, mut pace: watch::Receiver<Pace>) {
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
                _ = ticks.tick() => match shared.upgrade() {
                    Some(shared) => MockSpacelift::from(shared).step(),
                    None => return,
                },
            };
        }
    }
}
