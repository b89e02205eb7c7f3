//! Deliveries: those to send, those that were held, and what became of the others.

use crate::faults::delivery::DeliveryFaultEffect;
use crate::faults::waiting::DeliveryFaults;
use crate::model::record::DeliveryRecord;
use crate::model::webhook::Outgoing;

#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    /// In the order of their transitions.
    pub unsent: Vec<Outgoing>,
    /// Held until another one overtakes them.
    held: Vec<Outgoing>,
    pub faults: DeliveryFaults,
    /// Every attempt, in the order of the answers.
    pub records: Vec<DeliveryRecord>,
}

impl Deliveries {
    /// Adds a delivery to those to send, unless a fault applies to it.
    pub(crate) fn send(&mut self, mut outgoing: Outgoing) {
        let effect = outgoing.about.as_ref().and_then(|about| self.faults.next(about));
        let url = outgoing.url.clone();
        match effect {
            Some(DeliveryFaultEffect::Held) => {
                self.held.push(outgoing);
                return;
            }
            Some(DeliveryFaultEffect::Lost) => self.records.push(DeliveryRecord::lost(outgoing)),
            Some(DeliveryFaultEffect::Doubled) => self.unsent.extend([outgoing.clone(), outgoing]),
            Some(DeliveryFaultEffect::Late(by)) => {
                outgoing.late_by = by;
                self.unsent.push(outgoing);
                return;
            }
            None => self.unsent.push(outgoing),
        }
        let held = std::mem::take(&mut self.held);
        let (overtaken, still_held) = held.into_iter().partition(|delivery| delivery.url == url);
        self.held = still_held;
        self.unsent.extend::<Vec<Outgoing>>(overtaken);
    }

    pub(crate) fn release_held(&mut self) {
        self.unsent.append(&mut self.held);
    }
}
