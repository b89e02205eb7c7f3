//! The account's GraphQL schema: Spacelift's types, on a real engine.
#![expect(
    clippy::unused_async,
    reason = "the engine wants async resolvers, whether they wait or not"
)]
#![expect(
    clippy::used_underscore_binding,
    reason = "the engine reads arguments that the account has no use for"
)]

mod account;
mod audit_trail;
mod blueprint;
mod config;
mod context;
mod dependency;
mod enums;
mod policy;
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

use crate::api_key::Session;
use crate::mock::MockSpacelift;
use crate::refusal::Refusal;

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

/// Who sent a request, and what its headers said.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub session: Option<Session>,
    pub metadata: Option<String>,
    pub base_url: String,
}

fn caller<'a>(ctx: &Context<'a>) -> &'a Caller {
    ctx.data_unchecked()
}

/// The caller's session: what needs a login begins with this.
fn session<'a>(ctx: &Context<'a>) -> Result<&'a Session, Refusal> {
    caller(ctx).session.as_ref().ok_or(Refusal::Unauthorized)
}

/// The account, for resolvers below a root field that has checked the session.
fn mock<'a>(ctx: &Context<'a>) -> &'a MockSpacelift {
    ctx.data_unchecked()
}

/// The account, for root fields: nobody without a login gets it.
fn authorized<'a>(ctx: &Context<'a>) -> Result<&'a MockSpacelift, Refusal> {
    session(ctx)?;
    Ok(mock(ctx))
}
