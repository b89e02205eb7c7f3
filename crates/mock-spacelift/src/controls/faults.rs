//! Faults that a test adds.

use crate::account::state::Account;
use crate::faults::delivery::WebhookFault;
use crate::faults::rate::{FaultRate, WebhookFaultRate};
use crate::faults::request::Fault;
use crate::mock::MockSpacelift;

impl MockSpacelift {
    /// Adds a fault of the API. Several may be waiting; a request gets the oldest one that applies to it.
    pub fn fault(&self, fault: Fault) {
        self.write(|account| account.request_faults.list.push(fault));
    }

    /// Adds a fault of the deliveries.
    pub fn webhook_fault(&self, fault: WebhookFault) {
        self.write(|account| account.deliveries.faults.list.push(fault));
    }

    /// Makes some answers fail from now on. This replaces an earlier rate.
    pub fn fault_rate(&self, rate: FaultRate) {
        self.write(|account| account.request_faults.rate = Some(rate));
    }

    /// Makes some deliveries fail from now on. This replaces an earlier rate.
    pub fn webhook_fault_rate(&self, rate: WebhookFaultRate) {
        self.write(|account| account.deliveries.faults.rate = Some(rate));
    }

    /// Ends random faults. Faults that a test added one by one stay.
    pub fn clear_fault_rates(&self) {
        self.write(|account| {
            account.request_faults.rate = None;
            account.deliveries.faults.rate = None;
        });
    }

    /// Removes all faults, also random ones. Deliveries that were held are sent.
    pub fn clear_faults(&self) {
        self.write(Account::clear_faults);
    }

    /// Sends the deliveries that were held and that nothing overtook.
    pub fn release_held_webhooks(&self) {
        self.write(|account| account.deliveries.release_held());
    }
}
