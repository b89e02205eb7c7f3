//! The objects of an account, and the values that they consist of.

pub(crate) mod api_key;
pub(crate) mod blueprint;
pub(crate) mod clock;
pub(crate) mod commit;
pub(crate) mod context;
pub(crate) mod dependency;
pub(crate) mod hooks;
pub(crate) mod journal;
pub(crate) mod jwt;
pub(crate) mod named_webhook;
pub(crate) mod new_stack;
pub(crate) mod pace;
pub(crate) mod policy;
pub(crate) mod record;
pub(crate) mod refusal;
pub(crate) mod rego;
pub(crate) mod repository;
pub(crate) mod resource;
pub(crate) mod run;
pub(crate) mod slug;
pub(crate) mod space;
pub(crate) mod stack;
pub(crate) mod template;
pub(crate) mod vendor;
pub(crate) mod webhook;
