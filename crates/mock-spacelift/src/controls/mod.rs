//! The controls of tests and people: what they can do to an account, faults, and seeds.

pub(crate) mod access;
pub(crate) mod control;
pub(crate) mod directory;
pub(crate) mod fault;
pub(crate) mod fault_kind;
pub(crate) mod fault_rate;
pub(crate) mod person;
pub(crate) mod scenario;
pub(crate) mod seed;
pub(crate) mod seeded;
