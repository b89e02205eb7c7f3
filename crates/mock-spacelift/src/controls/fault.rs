//! Faults on request: failures of networks and services.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::account::state::Account;
use crate::mock::MockSpacelift;
use crate::model::record::{DeliveryOutcome, DeliveryRecord};
use crate::model::webhook::{DeliveredTransition, Outgoing};

/// How a request fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FaultEffect {
    /// Answers with this status, and does nothing; `retry_after_s` sets `Retry-After`.
    Status { status: u16, retry_after_s: Option<u64> },
    /// Answers with an HTML page and status 200, as some proxies do.
    Html,
    /// The answer is cut off in the middle.
    Truncated,
    /// The request is executed late.
    Slow(Duration),
    /// Everything is done at once, and the answer comes late.
    SlowAfter(Duration),
    /// The connection is reset before anything is done.
    ResetBefore,
    /// The connection is reset after everything is done, before the answer.
    ResetAfter,
    /// Everything is done, and the answer is a 500.
    ErrorAfter,
    /// Status 200 with this error and without data.
    GraphQlError { message: String, is_done: bool },
    /// Every token issued so far expires.
    ExpiredTokens,
}

/// A fault of the API. Without limits it affects the next request of any kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    effect: FaultEffect,
    operation: Option<String>,
    skip: usize,
    times: usize,
}

impl Fault {
    fn of(effect: FaultEffect) -> Self {
        Self {
            effect,
            operation: None,
            skip: 0,
            times: 1,
        }
    }

    /// 429 with `Retry-After` in whole seconds.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        Self::of(FaultEffect::Status {
            status: 429,
            retry_after_s: Some(retry_after.as_secs()),
        })
    }

    /// This status; nothing is done.
    pub fn status(status: u16) -> Self {
        Self::of(FaultEffect::Status {
            status,
            retry_after_s: None,
        })
    }

    /// 401; nothing is done.
    pub fn unauthorized() -> Self {
        Self::status(401)
    }

    /// 403; nothing is done.
    pub fn forbidden() -> Self {
        Self::status(403)
    }

    /// 200 with this GraphQL error and without data; nothing is done.
    pub fn graphql_error(message: &str) -> Self {
        Self::of(FaultEffect::GraphQlError {
            message: message.to_owned(),
            is_done: false,
        })
    }

    /// 200 with this GraphQL error and without data; everything is done.
    pub fn graphql_error_after(message: &str) -> Self {
        Self::of(FaultEffect::GraphQlError {
            message: message.to_owned(),
            is_done: true,
        })
    }

    /// 500; nothing is done.
    pub fn internal_error() -> Self {
        Self::status(500)
    }

    /// 500; everything is done.
    pub fn internal_error_after() -> Self {
        Self::of(FaultEffect::ErrorAfter)
    }

    /// Delays what is done, and the answer, by this time.
    pub fn slow(by: Duration) -> Self {
        Self::of(FaultEffect::Slow(by))
    }

    /// Delays the answer by this time; everything is done at once.
    pub fn slow_after(by: Duration) -> Self {
        Self::of(FaultEffect::SlowAfter(by))
    }

    /// HTML instead of JSON.
    pub fn html() -> Self {
        Self::of(FaultEffect::Html)
    }

    /// JSON that is cut off in the middle; everything is done.
    pub fn truncated() -> Self {
        Self::of(FaultEffect::Truncated)
    }

    /// The connection is reset; nothing is done.
    pub fn reset_before() -> Self {
        Self::of(FaultEffect::ResetBefore)
    }

    /// The connection is reset after the operation took effect.
    pub fn reset_after() -> Self {
        Self::of(FaultEffect::ResetAfter)
    }

    /// All tokens expire, also that of this request.
    pub fn expired_tokens() -> Self {
        Self::of(FaultEffect::ExpiredTokens)
    }

    /// Whether it applies to an operation, by its name and root fields.
    pub(crate) fn is_for(&self, operation: Option<&str>, fields: &[String]) -> bool {
        let wanted = self.operation.as_deref();
        wanted.is_none_or(|wanted| operation == Some(wanted) || fields.iter().any(|field| field == wanted))
    }

    /// Only for operations with this name, or with this root field.
    #[must_use]
    pub fn on(mut self, operation: &str) -> Self {
        self.operation = Some(operation.to_owned());
        self
    }

    /// Skips the first requests that it applies to.
    #[must_use]
    pub fn after(mut self, requests: usize) -> Self {
        self.skip = requests;
        self
    }

    /// Affects this many requests, then no more.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Affects requests until [`MockSpacelift::clear_faults`].
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }
}

/// How a delivery fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DeliveryFaultEffect {
    Lost,
    Doubled,
    Held,
    Late(Duration),
}

type Predicate = Arc<dyn Fn(&DeliveredTransition) -> bool + Send + Sync>;

/// A fault of the deliveries of runs' transitions. Without limits it affects the next one.
#[derive(Clone)]
pub struct WebhookFault {
    effect: DeliveryFaultEffect,
    when: Option<Predicate>,
    times: usize,
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

    fn admits(&self, about: &DeliveredTransition) -> bool {
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

    /// It is sent after the next delivery to the same URL, or by [`MockSpacelift::release_held_webhooks`].
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

    /// Affects deliveries until [`MockSpacelift::clear_faults`].
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }
}

impl MockSpacelift {
    /// Adds a fault of the API. Several may be waiting; a request gets the oldest one that applies to it.
    pub fn fault(&self, fault: Fault) {
        self.write(|account| account.faults.push(fault));
    }

    /// Adds a fault of the deliveries.
    pub fn webhook_fault(&self, fault: WebhookFault) {
        self.write(|account| account.webhook_faults.push(fault));
    }

    /// Removes all faults, also random ones. Deliveries that were held are sent.
    pub fn clear_faults(&self) {
        self.write(Account::clear_faults);
    }

    /// Sends the deliveries that were held and that nothing overtook.
    pub fn release_held_webhooks(&self) {
        self.write(Account::release_held_deliveries);
    }
}

impl Account {
    pub(crate) fn clear_faults(&mut self) {
        self.faults.clear();
        self.webhook_faults.clear();
        self.fault_rate = None;
        self.webhook_fault_rate = None;
        self.release_held_deliveries();
    }

    fn release_held_deliveries(&mut self) {
        let held = std::mem::take(&mut self.held_deliveries);
        self.outbox.extend(held);
    }

    /// The failure of a request, by its operation's name and root fields.
    pub(crate) fn fault_for_request(
        &mut self,
        operation: Option<&str>,
        fields: &[String],
    ) -> Option<FaultEffect> {
        let mut effect = None;
        for fault in self
            .faults
            .iter_mut()
            .filter(|fault| fault.is_for(operation, fields))
        {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if effect.is_none() {
                fault.times = fault.times.saturating_sub(1);
                effect = Some(fault.effect.clone());
            }
        }
        self.faults.retain(|fault| fault.times > 0);
        let by_chance = self.fault_by_chance(operation, fields);
        let effect = effect.or(by_chance.map(|fault| fault.effect));
        if effect == Some(FaultEffect::ExpiredTokens) {
            self.sessions.clear();
        }
        effect
    }

    /// Puts a delivery into the outbox, unless a fault applies to it.
    pub(crate) fn send(&mut self, mut outgoing: Outgoing) {
        let effect = outgoing
            .about
            .as_ref()
            .and_then(|about| self.fault_for_delivery(about));
        let url = outgoing.url.clone();
        match effect {
            Some(DeliveryFaultEffect::Held) => {
                self.held_deliveries.push(outgoing);
                return;
            }
            Some(DeliveryFaultEffect::Lost) => self.deliveries.push(DeliveryRecord::lost(outgoing)),
            Some(DeliveryFaultEffect::Doubled) => self.outbox.extend([outgoing.clone(), outgoing]),
            Some(DeliveryFaultEffect::Late(by)) => {
                outgoing.late_by = by;
                self.outbox.push(outgoing);
                return;
            }
            None => self.outbox.push(outgoing),
        }
        let held = std::mem::take(&mut self.held_deliveries);
        let (overtaken, still_held) = held.into_iter().partition(|delivery| delivery.url == url);
        self.held_deliveries = still_held;
        self.outbox.extend::<Vec<Outgoing>>(overtaken);
    }

    fn fault_for_delivery(&mut self, about: &DeliveredTransition) -> Option<DeliveryFaultEffect> {
        let by_chance = self.webhook_fault_by_chance(about.stack.as_str());
        let mut asked_for = self.webhook_faults.iter_mut();
        let Some(fault) = asked_for.find(|fault| fault.admits(about)) else {
            return by_chance
                .filter(|fault| fault.admits(about))
                .map(|fault| fault.effect);
        };
        fault.times = fault.times.saturating_sub(1);
        let effect = fault.effect;
        self.webhook_faults.retain(|fault| fault.times > 0);
        Some(effect)
    }
}

impl DeliveryRecord {
    fn lost(outgoing: Outgoing) -> Self {
        Self {
            webhook: outgoing.webhook,
            url: outgoing.url,
            about: outgoing.about,
            method: outgoing.method,
            headers: Vec::new(),
            body: outgoing.body,
            attempt: 1,
            outcome: DeliveryOutcome::Lost,
            at: crate::model::clock::Timestamp::now(),
        }
    }
}
