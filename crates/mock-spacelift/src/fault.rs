//! Faults on request: what networks and services do on bad days.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::account::Account;
use crate::mock::MockSpacelift;
use crate::record::{DeliveryOutcome, DeliveryRecord};
use crate::webhook::{About, Outgoing};

/// How a request goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Misfortune {
    /// This status and nothing done; `Retry-After` in seconds where there is one.
    Status { status: u16, retry_after_s: Option<u64> },
    /// A page for people, with status 200 as some proxies send it.
    Html,
    /// The answer stops in the middle.
    Truncated,
    /// The request is served, but late.
    Slow(Duration),
    /// The connection breaks before anything is done.
    ResetBefore,
    /// All is done, and the connection breaks before the answer.
    ResetAfter,
    /// All is done, and the answer is a 500.
    ErrorAfter,
    /// Status 200 with this error and no data.
    GraphQlError { message: String, is_done: bool },
    /// Every token issued so far has expired.
    ExpiredTokens,
}

/// A fault of the API. Without limits it strikes the next request, whatever that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    misfortune: Misfortune,
    operation: Option<String>,
    skip: usize,
    times: usize,
}

impl Fault {
    fn of(misfortune: Misfortune) -> Self {
        Self {
            misfortune,
            operation: None,
            skip: 0,
            times: 1,
        }
    }

    /// 429 with `Retry-After`, in whole seconds.
    pub fn too_many_requests(retry_after: Duration) -> Self {
        Self::of(Misfortune::Status {
            status: 429,
            retry_after_s: Some(retry_after.as_secs()),
        })
    }

    /// This status, with nothing done.
    pub fn status(status: u16) -> Self {
        Self::of(Misfortune::Status {
            status,
            retry_after_s: None,
        })
    }

    /// 401, with nothing done.
    pub fn unauthorized() -> Self {
        Self::status(401)
    }

    /// 403, with nothing done.
    pub fn forbidden() -> Self {
        Self::status(403)
    }

    /// 200 with this GraphQL error and no data, with nothing done.
    pub fn graphql_error(message: &str) -> Self {
        Self::of(Misfortune::GraphQlError {
            message: message.to_owned(),
            is_done: false,
        })
    }

    /// 200 with this GraphQL error and no data, with everything done.
    pub fn graphql_error_after(message: &str) -> Self {
        Self::of(Misfortune::GraphQlError {
            message: message.to_owned(),
            is_done: true,
        })
    }

    /// 500, with nothing done.
    pub fn internal_error() -> Self {
        Self::status(500)
    }

    /// 500, with everything done.
    pub fn internal_error_after() -> Self {
        Self::of(Misfortune::ErrorAfter)
    }

    /// The answer comes after this much time.
    pub fn slow(by: Duration) -> Self {
        Self::of(Misfortune::Slow(by))
    }

    /// HTML instead of JSON.
    pub fn html() -> Self {
        Self::of(Misfortune::Html)
    }

    /// JSON that stops in the middle, with everything done.
    pub fn truncated() -> Self {
        Self::of(Misfortune::Truncated)
    }

    /// The connection is reset, with nothing done.
    pub fn reset_before() -> Self {
        Self::of(Misfortune::ResetBefore)
    }

    /// The connection is reset after the operation took effect.
    pub fn reset_after() -> Self {
        Self::of(Misfortune::ResetAfter)
    }

    /// All tokens expire, this request's too.
    pub fn expired_tokens() -> Self {
        Self::of(Misfortune::ExpiredTokens)
    }

    /// Whether it can strike an operation, by its name and root fields.
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

    /// Spares the first requests that it could strike.
    #[must_use]
    pub fn after(mut self, requests: usize) -> Self {
        self.skip = requests;
        self
    }

    /// Strikes so often, then no more.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Strikes until [`MockSpacelift::clear_faults`].
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }
}

/// How a delivery goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accident {
    Lost,
    Doubled,
    Held,
    Late(Duration),
}

type Predicate = Arc<dyn Fn(&About) -> bool + Send + Sync>;

/// A fault of the deliveries of runs' transitions. Without limits it strikes the next one.
#[derive(Clone)]
pub struct WebhookFault {
    accident: Accident,
    when: Option<Predicate>,
    times: usize,
}

impl fmt::Debug for WebhookFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookFault")
            .field("accident", &self.accident)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

impl WebhookFault {
    fn of(accident: Accident) -> Self {
        Self {
            accident,
            when: None,
            times: 1,
        }
    }

    fn admits(&self, about: &About) -> bool {
        self.when.as_ref().is_none_or(|admits| admits(about))
    }

    /// It is never sent.
    pub fn lost() -> Self {
        Self::of(Accident::Lost)
    }

    /// It is sent twice.
    pub fn doubled() -> Self {
        Self::of(Accident::Doubled)
    }

    /// It is sent after the next delivery to the same URL, or by [`MockSpacelift::release_held_webhooks`].
    pub fn reordered() -> Self {
        Self::of(Accident::Held)
    }

    /// It is sent after this much time; others overtake it.
    pub fn late(by: Duration) -> Self {
        Self::of(Accident::Late(by))
    }

    /// Only for transitions that the predicate admits.
    #[must_use]
    pub fn when(mut self, admits: impl Fn(&About) -> bool + Send + Sync + 'static) -> Self {
        self.when = Some(Arc::new(admits));
        self
    }

    /// Strikes so often, then no more.
    #[must_use]
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// Strikes until [`MockSpacelift::clear_faults`].
    #[must_use]
    pub fn always(self) -> Self {
        self.times(usize::MAX)
    }
}

impl MockSpacelift {
    /// Asks for a fault of the API. Several may be waiting; the oldest that fits a request strikes it.
    pub fn fault(&self, fault: Fault) {
        self.write(|account| account.faults.push(fault));
    }

    /// Asks for a fault of the deliveries.
    pub fn webhook_fault(&self, fault: WebhookFault) {
        self.write(|account| account.webhook_faults.push(fault));
    }

    /// No fault strikes any more, by chance neither. Deliveries that were held back go out.
    pub fn clear_faults(&self) {
        self.write(Account::clear_faults);
    }

    /// Sends the deliveries that were held back and that nothing overtook.
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

    /// The misfortune of a request, by its operation's name and root fields.
    pub(crate) fn strike(&mut self, operation: Option<&str>, fields: &[String]) -> Option<Misfortune> {
        let mut struck = None;
        for fault in self
            .faults
            .iter_mut()
            .filter(|fault| fault.is_for(operation, fields))
        {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if struck.is_none() {
                fault.times = fault.times.saturating_sub(1);
                struck = Some(fault.misfortune.clone());
            }
        }
        self.faults.retain(|fault| fault.times > 0);
        let by_chance = self.fault_by_chance(operation, fields);
        let struck = struck.or(by_chance.map(|fault| fault.misfortune));
        if struck == Some(Misfortune::ExpiredTokens) {
            self.sessions.clear();
        }
        struck
    }

    /// Puts a delivery into the outbox, unless something happens to it on the way.
    pub(crate) fn send(&mut self, mut outgoing: Outgoing) {
        let accident = outgoing.about.as_ref().and_then(|about| self.accident(about));
        let url = outgoing.url.clone();
        match accident {
            Some(Accident::Held) => {
                self.held_deliveries.push(outgoing);
                return;
            }
            Some(Accident::Lost) => self.deliveries.push(DeliveryRecord::lost(outgoing)),
            Some(Accident::Doubled) => self.outbox.extend([outgoing.clone(), outgoing]),
            Some(Accident::Late(by)) => {
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

    fn accident(&mut self, about: &About) -> Option<Accident> {
        let by_chance = self.webhook_fault_by_chance(about.stack.as_str());
        let mut asked_for = self.webhook_faults.iter_mut();
        let Some(fault) = asked_for.find(|fault| fault.admits(about)) else {
            return by_chance
                .filter(|fault| fault.admits(about))
                .map(|fault| fault.accident);
        };
        fault.times = fault.times.saturating_sub(1);
        let accident = fault.accident;
        self.webhook_faults.retain(|fault| fault.times > 0);
        Some(accident)
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
            at: crate::clock::Timestamp::now(),
        }
    }
}
