//! Faults by chance: some of the requests, some of the deliveries, until they are switched off.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::account::Account;
use crate::fault::{Fault, WebhookFault};
use crate::mock::MockSpacelift;
use crate::seeded::{Chance, choose};

/// How many answers of the API are bad, and how.
#[derive(Debug, Clone)]
pub struct FaultRate {
    chance: Chance,
    kinds: Vec<Fault>,
    /// How many requests there were, by operation.
    counts: BTreeMap<String, u64>,
}

impl FaultRate {
    /// One answer in `n` is bad on average. The same seed strikes the same requests: of each operation the same
    /// ones, counted from when the rate was set.
    pub fn one_in(n: u64, seed: u64) -> Self {
        Self::of_chance(Chance::OneIn { n, seed })
    }

    /// Each `n`-th answer is bad, whatever it is an answer to; the kinds take turns.
    pub fn every(n: u64) -> Self {
        Self::of_chance(Chance::Every(n))
    }

    fn of_chance(chance: Chance) -> Self {
        Self {
            chance,
            kinds: Self::all_kinds(),
            counts: BTreeMap::new(),
        }
    }

    /// Only faults of these kinds. Each strikes the operation that it names, or any.
    #[must_use]
    pub fn of(mut self, kinds: impl IntoIterator<Item = Fault>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// Everything that a request can meet, before and after its effect.
    pub fn all_kinds() -> Vec<Fault> {
        vec![
            Fault::too_many_requests(Duration::from_secs(1)),
            Fault::unauthorized(),
            Fault::forbidden(),
            Fault::internal_error(),
            Fault::internal_error_after(),
            Fault::status(503),
            Fault::html(),
            Fault::truncated(),
            Fault::slow(Duration::from_millis(300)),
            Fault::reset_before(),
            Fault::reset_after(),
            Fault::expired_tokens(),
            Fault::graphql_error("internal error"),
            Fault::graphql_error("unauthorized"),
            Fault::graphql_error_after("internal error"),
        ]
    }

    /// The fault of the next request, if there is one.
    fn strike(&mut self, operation: Option<&str>, fields: &[String]) -> Option<Fault> {
        let what = match self.chance {
            Chance::Every(_) => "",
            Chance::OneIn { .. } => operation
                .or_else(|| fields.first().map(String::as_str))
                .unwrap_or_default(),
        };
        let count = self.counts.entry(what.to_owned()).or_default();
        *count += 1;
        let number = self.chance.draw(what, *count)?;
        let fault = choose(&self.kinds, number)?;
        fault.is_for(operation, fields).then(|| fault.clone())
    }
}

/// How many deliveries go wrong, and how.
#[derive(Debug, Clone)]
pub struct WebhookFaultRate {
    chance: Chance,
    kinds: Vec<WebhookFault>,
    /// How many deliveries there were, by stack.
    counts: BTreeMap<String, u64>,
}

impl WebhookFaultRate {
    /// One delivery in `n` goes wrong on average. The same seed strikes the same deliveries: of each stack the
    /// same ones, counted from when the rate was set.
    pub fn one_in(n: u64, seed: u64) -> Self {
        Self {
            chance: Chance::OneIn { n, seed },
            kinds: Self::all_kinds(),
            counts: BTreeMap::new(),
        }
    }

    /// Everything that a delivery can meet.
    pub fn all_kinds() -> Vec<WebhookFault> {
        vec![
            WebhookFault::lost(),
            WebhookFault::doubled(),
            WebhookFault::reordered(),
            WebhookFault::late(Duration::from_millis(500)),
        ]
    }

    /// Only faults of these kinds.
    #[must_use]
    pub fn of(mut self, kinds: impl IntoIterator<Item = WebhookFault>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    fn strike(&mut self, stack: &str) -> Option<WebhookFault> {
        let count = self.counts.entry(stack.to_owned()).or_default();
        *count += 1;
        let number = self.chance.draw(stack, *count)?;
        choose(&self.kinds, number).cloned()
    }
}

impl MockSpacelift {
    /// From now on some answers are bad. This replaces a rate that was set before.
    pub fn fault_rate(&self, rate: FaultRate) {
        self.write(|account| account.fault_rate = Some(rate));
    }

    /// From now on some deliveries go wrong. This replaces a rate that was set before.
    pub fn webhook_fault_rate(&self, rate: WebhookFaultRate) {
        self.write(|account| account.webhook_fault_rate = Some(rate));
    }

    /// Answers and deliveries are good again. Faults that a test asked for one by one stay.
    pub fn clear_fault_rates(&self) {
        self.write(|account| {
            account.fault_rate = None;
            account.webhook_fault_rate = None;
        });
    }
}

impl Account {
    pub(crate) fn fault_by_chance(&mut self, operation: Option<&str>, fields: &[String]) -> Option<Fault> {
        self.fault_rate.as_mut()?.strike(operation, fields)
    }

    pub(crate) fn webhook_fault_by_chance(&mut self, stack: &str) -> Option<WebhookFault> {
        self.webhook_fault_rate.as_mut()?.strike(stack)
    }
}
