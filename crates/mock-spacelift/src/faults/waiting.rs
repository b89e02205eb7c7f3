//! The faults that wait for a request or a delivery.

use crate::faults::delivery::{DeliveryFaultEffect, WebhookFault};
use crate::faults::rate::{FaultRate, WebhookFaultRate};
use crate::faults::request::{Fault, FaultEffect};
use crate::model::webhook::DeliveredTransition;

/// Faults of requests: one by one, and at random.
#[derive(Debug, Default)]
pub(crate) struct RequestFaults {
    pub list: Vec<Fault>,
    pub rate: Option<FaultRate>,
}

impl RequestFaults {
    /// The failure of a request, by its operation's name and root fields.
    pub(crate) fn next(&mut self, operation: Option<&str>, fields: &[String]) -> Option<FaultEffect> {
        let mut effect = None;
        for fault in self
            .list
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
        self.list.retain(|fault| fault.times > 0);
        // Drawn for every request, so that faults in the list do not move the random ones.
        let by_chance = self.rate.as_mut().and_then(|rate| rate.draw(operation, fields));
        effect.or(by_chance.map(|fault| fault.effect))
    }
}

/// Faults of deliveries: one by one, and at random.
#[derive(Debug, Default)]
pub(crate) struct DeliveryFaults {
    pub list: Vec<WebhookFault>,
    pub rate: Option<WebhookFaultRate>,
}

impl DeliveryFaults {
    /// The failure of the delivery of a transition.
    pub(crate) fn next(&mut self, about: &DeliveredTransition) -> Option<DeliveryFaultEffect> {
        // Drawn for every delivery, so that faults in the list do not move the random ones.
        let by_chance = self
            .rate
            .as_mut()
            .and_then(|rate| rate.draw(about.stack.as_str()));
        let Some(fault) = self.list.iter_mut().find(|fault| fault.admits(about)) else {
            return by_chance
                .filter(|fault| fault.admits(about))
                .map(|fault| fault.effect);
        };
        fault.times = fault.times.saturating_sub(1);
        let effect = fault.effect;
        self.list.retain(|fault| fault.times > 0);
        Some(effect)
    }
}
