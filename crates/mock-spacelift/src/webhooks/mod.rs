//! What webhooks receive: the bodies of run events and notifications, the audit trail, and the deliveries.

pub(crate) mod audit_trail;
pub(crate) mod delivery;
pub(crate) mod event;
pub(crate) mod notification;
pub(crate) mod policy_input;
