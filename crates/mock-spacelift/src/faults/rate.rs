//! Random faults: of some requests and some deliveries, until they are turned off.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::faults::chance::{Chance, choose};
use crate::faults::delivery::WebhookFault;
use crate::faults::request::Fault;

/// How many answers of the API fail, and how.
#[derive(Debug, Clone)]
pub struct FaultRate {
    chance: Chance,
    kinds: Vec<Fault>,
    /// The number of requests, by operation.
    counts: BTreeMap<String, u64>,
}

impl FaultRate {
    /// One in `n` answers fails on average. The same seed selects the same requests: the same ones of each operation,
    /// counted from when the rate was set.
    pub fn one_in(n: u64, seed: u64) -> Self {
        Self::of_chance(Chance::OneIn { n, seed })
    }

    /// Every `n`-th answer fails, of any operation; the kinds alternate.
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

    /// Only faults of these kinds. Each affects the operation that it names, or any.
    #[must_use]
    pub fn of(mut self, kinds: impl IntoIterator<Item = Fault>) -> Self {
        self.kinds = kinds.into_iter().collect();
        self
    }

    /// All failures of a request, before and after its effect.
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
            Fault::slow_after(Duration::from_millis(300)),
            Fault::reset_before(),
            Fault::reset_after(),
            Fault::expired_tokens(),
            Fault::graphql_error("internal error"),
            Fault::graphql_error("unauthorized"),
            Fault::graphql_error_after("internal error"),
        ]
    }

    /// The fault of the next request, if any.
    pub(super) fn draw(&mut self, operation: Option<&str>, fields: &[String]) -> Option<Fault> {
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

/// How many deliveries fail, and how.
#[derive(Debug, Clone)]
pub struct WebhookFaultRate {
    chance: Chance,
    kinds: Vec<WebhookFault>,
    /// The number of deliveries, by stack.
    counts: BTreeMap<String, u64>,
}

impl WebhookFaultRate {
    /// One in `n` deliveries fails on average. The same seed selects the same deliveries: the same ones of each stack,
    /// counted from when the rate was set.
    pub fn one_in(n: u64, seed: u64) -> Self {
        Self {
            chance: Chance::OneIn { n, seed },
            kinds: Self::all_kinds(),
            counts: BTreeMap::new(),
        }
    }

    /// All failures of a delivery.
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

    pub(super) fn draw(&mut self, stack: &str) -> Option<WebhookFault> {
        let count = self.counts.entry(stack.to_owned()).or_default();
        *count += 1;
        let number = self.chance.draw(stack, *count)?;
        choose(&self.kinds, number).cloned()
    }
}
