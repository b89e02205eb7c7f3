//! Faults of deliveries: webhooks that are lost, doubled, overtaken or late.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::model::webhook::DeliveredTransition;

/// How a delivery fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeliveryFaultEffect {
    Lost,
    Doubled,
    Held,
    Late(Duration),
}

type Predicate = Arc<dyn Fn(&DeliveredTransition) -> bool + Send + Sync>;

/// A fault of the deliveries of runs' transitions. Without limits it affects the next one.
#[derive(Clone)]
pub struct WebhookFault {
    pub(super) effect: DeliveryFaultEffect,
    when: Option<Predicate>,
    pub(super) times: usize,
}

impl fmt::Debug for WebhookFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookFault")
            .field("effect", &self.effect)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

impl WebhookFault {
    fn of(effect: DeliveryFaultEffect) -> Self {
        Self {
            effect,
            when: None,
            times: 1,
        }
    }

    pub(super) fn admits(&self, about: &DeliveredTransition) -> bool {
        self.when.as_ref().is_none_or(|admits| admits(about))
    }

    /// It is never sent.
    pub fn lost() -> Self {
        Self::of(DeliveryFaultEffect::Lost)
    }

    /// It is sent twice.
    pub fn doubled() -> Self {
        Self::of(DeliveryFaultEffect::Doubled)
    }

    /// It is sent after the next delivery to the same URL, or by [`crate::MockSpacelift::release_held_webhooks`].
    pub fn reordered() -> Self {
        Self::of(DeliveryFaultEffect::Held)
    }

    /// It is sent after this time; others overtake it.
    pub fn late(by: Duration) -> Self {
        Self::of(DeliveryFaultEffect::Late(by))
    }

    /// Only for transitions that the predicate accepts.
    #[must_use]
    pub fn when(mut self, admits: impl Fn(&DeliveredTransition) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(Arc::new(admits));
        self
    }

    /// Affects this many deliveries, then no more.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Affects deliveries until [`crate::MockSpacelift::clear_faults`].
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }
}
