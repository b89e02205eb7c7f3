//! Some records are summed up: anyone can cause refusals, and whoever saw an old delivery can repeat it as often as they
//! like. Each record costs money.
//!
//! Of each kind, the first one is written at once, and the next ones together after a minute. Who calls this decides when
//! it looks: a server by a timer, a function with each request, and both before they end.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use audit::{Action, Entry};
use tokio::time::Instant;

/// How often a record of each kind is written.
pub(crate) const SUMMARY_EVERY: Duration = Duration::from_secs(60);

/// What is not in the log yet, by its action.
#[derive(Default)]
pub(super) struct Summaries(Mutex<BTreeMap<Action, Unwritten>>);

#[derive(Default)]
struct Unwritten {
    tried_at: Option<Instant>,
    count: u64,
    /// The newest one. Its reason stands for all of them.
    newest: Option<Entry>,
}

impl Summaries {
    pub(super) fn add(&self, entry: Entry) {
        self.with(|all| {
            let unwritten = all.entry(entry.action).or_default();
            unwritten.count += entry.count;
            unwritten.newest = Some(entry);
        });
    }

    /// One entry for all that is unwritten of each kind, if it is time for one. Until [`Self::written`], they stay
    /// unwritten: the writing may fail.
    pub(super) fn due(&self) -> Vec<Entry> {
        let is_early = |tried_at: Instant| tried_at.elapsed() < SUMMARY_EVERY;
        self.with(|all| {
            all.values_mut()
                .filter(|unwritten| !unwritten.tried_at.is_some_and(is_early))
                .filter_map(Unwritten::summary)
                .collect()
        })
    }

    /// One entry for all that is unwritten of each kind: nobody asks later.
    pub(super) fn rest(&self) -> Vec<Entry> {
        self.with(|all| all.values_mut().filter_map(Unwritten::summary).collect())
    }

    /// So many of a kind are in the log.
    pub(super) fn written(&self, action: Action, count: u64) {
        self.with(|all| {
            let unwritten = all.entry(action).or_default();
            unwritten.count = unwritten.count.saturating_sub(count);
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<Action, Unwritten>) -> T) -> T {
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
    use super::*;

    const REFUSED: Action = Action::DeliveryRefused;
    const NONE: [u64; 0] = [];

    fn entry(action: Action) -> Entry {
        Entry::new(0, "webhook", action)
    }

    fn counts(entries: Vec<Entry>) -> Vec<u64> {
        entries.into_iter().map(|entry| entry.count).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_one_is_due_at_once_and_the_others_after_a_minute() {
        let refusals = Summaries::default();
        assert_eq!(counts(refusals.due()), NONE);
        refusals.add(entry(REFUSED));
        assert_eq!(counts(refusals.due()), [1]);
        refusals.written(REFUSED, 1);
        for _ in 0..3 {
            refusals.add(entry(REFUSED));
        }
        assert_eq!(counts(refusals.due()), NONE);
        tokio::time::advance(SUMMARY_EVERY).await;
        assert_eq!(counts(refusals.due()), [3]);
        refusals.written(REFUSED, 3);
        tokio::time::advance(SUMMARY_EVERY).await;
        assert_eq!(counts(refusals.due()), NONE, "nothing came since");
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_is_due_at_any_time_and_contains_what_could_not_be_written() {
        let refusals = Summaries::default();
        refusals.add(entry(REFUSED));
        assert_eq!(counts(refusals.due()), [1]);
        refusals.add(entry(REFUSED));
        assert_eq!(counts(refusals.rest()), [2]);
        refusals.written(REFUSED, 2);
        assert_eq!(counts(refusals.rest()), NONE);
    }

    #[tokio::test(start_paused = true)]
    async fn each_kind_has_its_own_record() {
        let summaries = Summaries::default();
        for _ in 0..2 {
            summaries.add(entry(REFUSED));
        }
        summaries.add(entry(Action::DeliveryIgnored));
        let mut due = summaries.due();
        due.sort_unstable_by_key(|entry| entry.count);
        let actions: Vec<Action> = due.iter().map(|entry| entry.action).collect();
        assert_eq!(actions, [Action::DeliveryIgnored, REFUSED]);
        assert_eq!(counts(due), [1, 2]);
    }
}
