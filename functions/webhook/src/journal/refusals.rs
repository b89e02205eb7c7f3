//! Refusals are summed up: anyone can cause them, and each record costs money.
//!
//! The first one is written at once, and the next ones together after a minute. Who calls this decides when it looks:
//! a server by a timer, a function with each request, and both before they end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use audit::Entry;
use tokio::time::Instant;

/// How often a record of refusals is written.
pub(crate) const REFUSALS_EVERY: Duration = Duration::from_secs(60);

/// The refusals that are not in the log yet.
#[derive(Default)]
pub(super) struct Refusals(Mutex<Unwritten>);

#[derive(Default)]
struct Unwritten {
    tried_at: Option<Instant>,
    count: u64,
    /// The newest one. Its reason stands for all of them.
    newest: Option<Entry>,
}

impl Refusals {
    pub(super) fn add(&self, refusal: Entry) {
        self.with(|unwritten| {
            unwritten.count += refusal.count;
            unwritten.newest = Some(refusal);
        });
    }

    /// One entry for all that is unwritten, if it is time for one. Until [`Self::written`], they stay unwritten: the
    /// writing may fail.
    pub(super) fn due(&self) -> Option<Entry> {
        self.with(|unwritten| {
            let is_early = |tried_at: Instant| tried_at.elapsed() < REFUSALS_EVERY;
            if unwritten.tried_at.is_some_and(is_early) {
                return None;
            }
            unwritten.summary()
        })
    }

    /// One entry for all that is unwritten: nobody asks later.
    pub(super) fn rest(&self) -> Option<Entry> {
        self.with(Unwritten::summary)
    }

    /// So many of them are in the log.
    pub(super) fn written(&self, count: u64) {
        self.with(|unwritten| unwritten.count = unwritten.count.saturating_sub(count));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Unwritten) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Unwritten {
    fn summary(&mut self) -> Option<Entry> {
        let mut entry = self.newest.clone().filter(|_| self.count > 0)?;
        entry.count = self.count;
        self.tried_at = Some(Instant::now());
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use audit::Action;

    use super::*;

    fn refusal() -> Entry {
        Entry::new(0, "webhook", Action::DeliveryRefused)
    }

    fn count(entry: Option<Entry>) -> Option<u64> {
        entry.map(|entry| entry.count)
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_one_is_due_at_once_and_the_others_after_a_minute() {
        let refusals = Refusals::default();
        assert_eq!(count(refusals.due()), None);
        refusals.add(refusal());
        assert_eq!(count(refusals.due()), Some(1));
        refusals.written(1);
        for _ in 0..3 {
            refusals.add(refusal());
        }
        assert_eq!(count(refusals.due()), None);
        tokio::time::advance(REFUSALS_EVERY).await;
        assert_eq!(count(refusals.due()), Some(3));
        refusals.written(3);
        tokio::time::advance(REFUSALS_EVERY).await;
        assert_eq!(count(refusals.due()), None, "nothing came since");
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_is_due_at_any_time_and_contains_what_could_not_be_written() {
        let refusals = Refusals::default();
        refusals.add(refusal());
        assert_eq!(count(refusals.due()), Some(1));
        refusals.add(refusal());
        assert_eq!(count(refusals.rest()), Some(2));
        refusals.written(2);
        assert_eq!(count(refusals.rest()), None);
    }
}
