//! The account's GraphQL schema: Spacelift's types on a real GraphQL engine.
#![expect(clippy::unused_async, reason = "the GraphQL engine requires async resolvers")]
#![expect(
    clippy::used_underscore_binding,
    reason = "the GraphQL engine reads arguments that the account does not use"
)]

mod account;
mod audit_trail;
mod blueprint;
mod config;
mod context;
mod dependency;
mod enums;
mod integrations;
mod policy;
mod resource;
mod run;
mod run_mutation;
mod run_query;
mod search;
mod space;
mod stack;
mod stack_mutation;
mod stack_query;
mod webhook;
mod worker_pool;

use async_graphql::{Context, EmptySubscription, MergedObject};

use crate::mock::MockSpacelift;
use crate::model::api_key::Session;
use crate::model::refusal::Refusal;

pub(crate) type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

#[derive(Default, MergedObject)]
pub(crate) struct Query(
    account::AccountQuery,
    audit_trail::AuditTrailQuery,
    blueprint::BlueprintQuery,
    context::ContextQuery,
    policy::PolicyQuery,
    run_query::RunQuery,
    space::SpaceQuery,
    stack_query::StackQuery,
    webhook::WebhookQuery,
    worker_pool::WorkerPoolQuery,
);

#[derive(Default, MergedObject)]
pub(crate) struct Mutation(
    account::AccountMutation,
    audit_trail::AuditTrailMutation,
    blueprint::BlueprintMutation,
    context::ContextMutation,
    dependency::DependencyMutation,
    policy::PolicyMutation,
    run_mutation::RunMutation,
    space::SpaceMutation,
    stack_mutation::StackMutation,
    webhook::WebhookMutation,
);

pub(crate) fn schema(mock: MockSpacelift) -> Schema {
    Schema::build(Query::default(), Mutation::default(), EmptySubscription)
        .data(mock)
        .finish()
}

/// The sender of a request, and its headers.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub session: Option<Session>,
    pub metadata: Option<String>,
    pub base_url: String,
}

fn caller<'a>(ctx: &Context<'a>) -> &'a Caller {
    ctx.data_unchecked()
}

/// The caller's session. Everything that needs a login calls this first.
fn session<'a>(ctx: &Context<'a>) -> Result<&'a Session, Refusal> {
    caller(ctx).session.as_ref().ok_or(Refusal::Unauthorized)
}

/// The account, for resolvers below a root field that has checked the session.
fn mock<'a>(ctx: &Context<'a>) -> &'a MockSpacelift {
    ctx.data_unchecked()
}

/// The account, for root fields: refused without a login.
fn authorized<'a>(ctx: &Context<'a>) -> Result<&'a MockSpacelift, Refusal> {
    session(ctx)?;
    Ok(mock(ctx))
}
