//! The account's GraphQL schema: Spacelift's types on a real GraphQL engine.
#![expect(clippy::unused_async, reason = "the GraphQL engine requires async resolvers")]
#![expect(
    clippy::used_underscore_binding,
    reason = "the GraphQL engine reads arguments that the account does not use"
)]

mod account;
mod audit_trail;
mod blueprint;
pub(crate) mod caller;
mod config;
mod context;
mod dependency;
mod enums;
mod idp_group;
mod integrations;
mod policy;
mod resource;
mod role;
mod role_binding;
mod run;
mod run_mutation;
mod run_query;
pub(crate) mod schema;
mod search;
mod space;
mod stack;
mod stack_mutation;
mod stack_query;
mod webhook;
mod worker_pool;
