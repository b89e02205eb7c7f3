//! A limit of requests per minute, shared by all clones of a client.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

const WINDOW: Duration = Duration::from_mins(1);

/// At most so many requests in any minute. Requests over the limit wait, first come, first served.
pub(crate) struct Budget {
    per_window: usize,
    /// When the latest requests were granted, oldest first; never more than `per_window`.
    granted: Mutex<VecDeque<Instant>>,
}

impl Budget {
    pub(crate) fn new(per_minute: NonZeroU32) -> Self {
        let per_window = usize::try_from(per_minute.get()).unwrap_or(usize::MAX);
        Self {
            per_window,
            granted: Mutex::default(),
        }
    }

    /// Returns when a request may be sent. A caller that is dropped while it waits uses nothing of the budget.
    pub(crate) async fn take(&self) {
        // The lock is held while waiting: tokio's is fair, so it is also the queue.
        let mut granted = self.granted.lock().await;
        if granted.len() >= self.per_window
            && let Some(oldest) = granted.front().copied()
        {
            sleep_until(oldest + WINDOW).await;
            granted.pop_front();
        }
        granted.push_back(Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn budget(per_minute: u32) -> Budget {
        Budget::new(NonZeroU32::new(per_minute).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn no_minute_has_more_requests_than_the_budget() {
        let budget = budget(3);
        let start = Instant::now();
        let mut seconds = Vec::new();
        for _ in 0..7 {
            budget.take().await;
            seconds.push(start.elapsed().as_secs());
        }
        assert_eq!(seconds, [0, 0, 0, 60, 60, 60, 120]);
    }

    #[tokio::test(start_paused = true)]
    async fn requests_are_served_in_order() {
        let budget = Arc::new(budget(1));
        budget.take().await;
        let (sender, mut order) = tokio::sync::mpsc::unbounded_channel();
        for number in 0..5 {
            let (waiter, sender) = (Arc::clone(&budget), sender.clone());
            tokio::spawn(async move {
                waiter.take().await;
                sender.send(number).unwrap();
            });
            tokio::task::yield_now().await;
        }
        let mut served = Vec::new();
        for _ in 0..5 {
            served.push(order.recv().await.unwrap());
        }
        assert_eq!(served, [0, 1, 2, 3, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_request_uses_no_budget() {
        let budget = budget(1);
        budget.take().await;
        let start = Instant::now();
        assert!(
            tokio::time::timeout(Duration::from_secs(5), budget.take())
                .await
                .is_err()
        );
        budget.take().await;
        assert_eq!(start.elapsed(), WINDOW);
    }
}
