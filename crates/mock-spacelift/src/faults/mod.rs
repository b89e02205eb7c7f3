//! Faults that tests request: of which requests and deliveries, and how they fail. The account keeps them.

pub(crate) mod chance;
pub(crate) mod delivery;
pub(crate) mod rate;
pub(crate) mod request;
pub(crate) mod waiting;
