//! Faults by name, for people and programs outside.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::account::state::Account;
use crate::faults::delivery::WebhookFault;
use crate::faults::rate::{FaultRate, WebhookFaultRate};
use crate::faults::request::Fault;
use crate::model::refusal::Refusal;

/// The names, with what each means.
pub const FAULT_KINDS: [(&str, &str); 21] = [
    (
        "any",
        "every kind of bad answer by turns; needs --one-in or --every",
    ),
    ("too-many-requests", "429 with Retry-After, nothing done"),
    ("unauthorized", "401, nothing done"),
    ("forbidden", "403, nothing done"),
    ("internal-error", "500, nothing done"),
    ("internal-error-after", "500, everything done"),
    ("unavailable", "503, nothing done"),
    ("graphql-error", "200 with a GraphQL error, nothing done"),
    ("graphql-error-after", "200 with a GraphQL error, everything done"),
    ("html", "200 with a page for people, nothing done"),
    ("truncated", "an answer that stops in the middle, everything done"),
    ("slow", "an answer that comes late, nothing done before"),
    ("slow-after", "an answer that comes late, everything done at once"),
    ("reset-before", "the connection breaks, nothing done"),
    ("reset-after", "the connection breaks, everything done"),
    ("expired-tokens", "all tokens have expired"),
    ("webhook-any", "every kind of bad delivery; needs --one-in"),
    ("webhook-lost", "a delivery is never sent"),
    ("webhook-doubled", "a delivery is sent twice"),
    ("webhook-reordered", "a delivery is sent after the next one"),
    ("webhook-late", "a delivery is sent late"),
];

/// The default delay of an answer or a delivery, and the default `Retry-After`.
const PAUSE: Duration = Duration::from_secs(1);

/// A fault to add.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultRequest {
    /// One of [`FAULT_KINDS`].
    pub kind: String,
    /// Only this operation or root field.
    pub operation: Option<String>,
    /// How often; the default is once.
    pub times: Option<usize>,
    /// Until the faults are cleared.
    pub always: bool,
    /// At random: one in so many, until the faults are cleared.
    pub one_in: Option<u64>,
    /// Every n-th, until the faults are cleared.
    pub every: Option<u64>,
    /// The seed of random faults, to repeat them.
    pub seed: u64,
    /// The message of a GraphQL error.
    pub message: Option<String>,
    /// The delay, or the `Retry-After`, in milliseconds.
    pub pause_ms: Option<u64>,
}

impl FaultRequest {
    fn pause(&self) -> Duration {
        self.pause_ms.map_or(PAUSE, Duration::from_millis)
    }

    /// The faults of the API with this name; `None` if there are none.
    fn faults(&self) -> Option<Vec<Fault>> {
        let message = self.message.as_deref().unwrap_or("internal error");
        let fault = match self.kind.as_str() {
            "any" => return self.is_rate().then(FaultRate::all_kinds),
            "too-many-requests" => Fault::too_many_requests(self.pause()),
            "unauthorized" => Fault::unauthorized(),
            "forbidden" => Fault::forbidden(),
            "internal-error" => Fault::internal_error(),
            "internal-error-after" => Fault::internal_error_after(),
            "unavailable" => Fault::status(503),
            "graphql-error" => Fault::graphql_error(message),
            "graphql-error-after" => Fault::graphql_error_after(message),
            "html" => Fault::html(),
            "truncated" => Fault::truncated(),
            "slow" => Fault::slow(self.pause()),
            "slow-after" => Fault::slow_after(self.pause()),
            "reset-before" => Fault::reset_before(),
            "reset-after" => Fault::reset_after(),
            "expired-tokens" => Fault::expired_tokens(),
            _ => return None,
        };
        Some(vec![fault])
    }

    /// The faults of deliveries with this name; `None` if there are none.
    fn webhook_faults(&self) -> Option<Vec<WebhookFault>> {
        let fault = match self.kind.as_str() {
            "webhook-any" => return self.one_in.map(|_| WebhookFaultRate::all_kinds()),
            "webhook-lost" => WebhookFault::lost(),
            "webhook-doubled" => WebhookFault::doubled(),
            "webhook-reordered" => WebhookFault::reordered(),
            "webhook-late" => WebhookFault::late(self.pause()),
            _ => return None,
        };
        Some(vec![fault])
    }

    fn is_rate(&self) -> bool {
        self.one_in.is_some() || self.every.is_some()
    }

    fn check(&self) -> Result<(), Refusal> {
        let refused = |reason| Err(Refusal::Request { reason });
        if !FAULT_KINDS.iter().any(|(name, _)| *name == self.kind) {
            let names: Vec<&str> = FAULT_KINDS.iter().map(|(name, _)| *name).collect();
            return Err(Refusal::FaultKind {
                kind: self.kind.clone(),
                known: names.join(", "),
            });
        }
        let is_of_webhooks = self.kind.starts_with("webhook-");
        let ways = [
            self.times.is_some(),
            self.always,
            self.one_in.is_some(),
            self.every.is_some(),
        ];
        if ways.iter().filter(|way| **way).count() > 1 {
            return refused("a fault strikes `times`, `always`, `one_in` or `every`: say one of them");
        }
        if self.times == Some(0) || self.one_in == Some(0) || self.every == Some(0) {
            return refused("`times`, `one_in` and `every` begin at 1");
        }
        if is_of_webhooks && self.operation.is_some() {
            return refused("a delivery has no `operation`");
        }
        if is_of_webhooks && self.every.is_some() {
            return refused("deliveries go wrong by `one_in`, `times` or `always`");
        }
        if self.kind == "webhook-any" && self.one_in.is_none() {
            return refused("the fault `webhook-any` needs `one_in`: one delivery in how many");
        }
        if self.kind == "any" && !self.is_rate() {
            return refused("the fault `any` needs `one_in` or `every`: one answer in how many");
        }
        Ok(())
    }
}

/// Adds a fault. Returns a message that says how often it occurs.
pub(super) fn add(account: &mut Account, request: &FaultRequest) -> Result<String, Refusal> {
    request.check()?;
    let times = if request.always {
        usize::MAX
    } else {
        request.times.unwrap_or(1)
    };
    if let Some(kinds) = request.webhook_faults() {
        match request.one_in {
            Some(n) => {
                account.deliveries.faults.rate = Some(WebhookFaultRate::one_in(n, request.seed).of(kinds));
            }
            None => account
                .deliveries
                .faults
                .list
                .extend(kinds.into_iter().map(|kind| kind.times(times))),
        }
    } else if let Some(kinds) = request.faults() {
        let on = |fault: Fault| match &request.operation {
            Some(operation) => fault.on(operation),
            None => fault,
        };
        let kinds = kinds.into_iter().map(on);
        match (request.one_in, request.every) {
            (Some(n), _) => account.request_faults.rate = Some(FaultRate::one_in(n, request.seed).of(kinds)),
            (None, Some(n)) => account.request_faults.rate = Some(FaultRate::every(n).of(kinds)),
            (None, None) => account
                .request_faults
                .list
                .extend(kinds.map(|kind| kind.times(times))),
        }
    }
    Ok(request.effect(times))
}

impl FaultRequest {
    fn effect(&self, times: usize) -> String {
        let what = match &self.operation {
            Some(operation) => format!("`{operation}`"),
            None if self.kind.starts_with("webhook-") => "delivery".to_owned(),
            None => "request".to_owned(),
        };
        let until = "until the faults are cleared";
        match (self.one_in, self.every) {
            (Some(n), _) => format!(
                "One {what} in {n} gets `{}` at random (seed {}), {until}.",
                self.kind, self.seed
            ),
            (None, Some(n)) => format!("Each {what} number {n} gets `{}`, {until}.", self.kind),
            (None, None) if times == usize::MAX => format!("Each {what} gets `{}`, {until}.", self.kind),
            (None, None) if times == 1 => format!("The next {what} gets `{}`.", self.kind),
            (None, None) => format!("The next {times} times, a {what} gets `{}`.", self.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{FAULT_KINDS, FaultRequest};

    #[test]
    fn every_name_is_a_fault_of_the_api_or_of_deliveries() {
        for (name, _) in FAULT_KINDS {
            let request = FaultRequest {
                kind: name.to_owned(),
                one_in: Some(10),
                ..FaultRequest::default()
            };
            request.check().unwrap();
            assert_eq!(
                request.webhook_faults().is_some(),
                name.starts_with("webhook-"),
                "{name}"
            );
            assert_eq!(request.faults().is_none(), name.starts_with("webhook-"), "{name}");
        }
    }
}
