//! The webhook of the audit trail, which receives every change that anyone makes.

use std::collections::BTreeMap;

use crate::model::webhook::{DeliveredTransition, Outgoing, Target, WebhookKey};

#[derive(Debug, Clone)]
pub(crate) struct AuditTrail {
    pub target: Target,
    /// Whether it also receives runs, with their default payload.
    pub include_runs: bool,
    pub headers: BTreeMap<String, String>,
}

impl AuditTrail {
    /// `None` if it is disabled.
    pub(crate) fn delivery(&self, body: Vec<u8>, about: Option<DeliveredTransition>) -> Option<Outgoing> {
        let mut outgoing = Outgoing::new(WebhookKey::AuditTrail, &self.target, body, about);
        outgoing.headers.clone_from(&self.headers);
        self.target.enabled.then_some(outgoing)
    }
}
