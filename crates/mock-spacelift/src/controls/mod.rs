//! What tests and people do to an account: methods of the handle, requests from outside, and seeds.

pub(crate) mod access;
pub(crate) mod execution;
pub(crate) mod fault_request;
pub(crate) mod faults;
pub(crate) mod locks;
pub(crate) mod objects;
pub(crate) mod people;
pub(crate) mod pushes;
pub(crate) mod request;
pub(crate) mod scenario;
pub(crate) mod seed;
mod seed_entries;
